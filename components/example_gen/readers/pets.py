"""The official layout of the Oxford-IIIT Pet data set (Parkhi et al., CVPR 2012).

images/<breed>_<number>.jpg
annotations/trimaps/<breed>_<number>.png
annotations/trainval.txt, annotations/test.txt   name, class id, species (1 cat, 2 dog), breed id
"""

from collections.abc import Iterator

from components.example_gen.pairs import TRAINVAL, Found, LeftOut, PairSource
from components.example_gen.readers.files import data_folder, names_in, read_list, require_folder
from components.example_gen.settings import DataSettings
from components.example_gen.sources import File

PHOTOS = "images"
MASKS = "annotations/trimaps"
TRAINVAL_LIST = "annotations/trainval.txt"
TEST_LIST = "annotations/test.txt"


def watched(data: DataSettings) -> tuple[str, ...]:
    """See Reader."""
    return PHOTOS, MASKS, TRAINVAL_LIST, TEST_LIST


def read_pairs(data: DataSettings, scratch: str) -> Iterator[Found]:
    """Yields every name of the two official lists; see Reader."""
    folder = data_folder(data)
    require_folder(folder / PHOTOS, "the photos")
    require_folder(folder / MASKS, "the masks")
    listed: set[str] = set()
    for file, split in ((TRAINVAL_LIST, TRAINVAL), (TEST_LIST, "test")):
        columns = {line.split()[0]: line.split()[1:] for line in read_list(folder / file)}
        listed |= columns.keys()
        for name, ids in columns.items():
            photo, mask = File(str(folder), f"{PHOTOS}/{name}.jpg"), File(str(folder), f"{MASKS}/{name}.png")
            labels = {"label/breed": _breed(name), "label/species": _species(name, ids)}
            yield PairSource(name, photo, mask, labels, split, found_in=file)
    for name in names_in(folder / PHOTOS, (".jpg",)).keys() - listed:
        yield LeftOut(name)


def _breed(name: str) -> str:
    return name.rpartition("_")[0] or name


def _species(name: str, ids: list[str]) -> str:
    """From the list's column; in a list without that column, cats' names begin with a capital."""
    if len(ids) >= 2:
        return {"1": "cat", "2": "dog"}.get(ids[1], ids[1])
    return "cat" if name[0].isupper() else "dog"
