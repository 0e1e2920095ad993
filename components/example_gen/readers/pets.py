"""The official layout of the Oxford-IIIT Pet data set (Parkhi et al., CVPR 2012).

images/<breed>_<number>.jpg
annotations/trimaps/<breed>_<number>.png
annotations/trainval.txt, annotations/test.txt   name, class id, species (1 cat, 2 dog), breed id
"""

from components.example_gen.pairs import Listing, PairSource, split_of_listed
from components.example_gen.readers.files import data_folder, names_in, read_list, require_folder, unfit_names
from components.example_gen.settings import DataSettings

PHOTOS = "images"
MASKS = "annotations/trimaps"
TRAINVAL_LIST = "annotations/trainval.txt"
TEST_LIST = "annotations/test.txt"
WATCHED = (PHOTOS, MASKS, TRAINVAL_LIST, TEST_LIST)


def list_pairs(data: DataSettings) -> Listing:
    """Lists every name of the two official lists once.

    Raises:
        UserError: The folder, one of its folders or a list is missing.
    """
    folder = data_folder(data)
    require_folder(folder / PHOTOS, "the photos")
    require_folder(folder / MASKS, "the masks")
    columns = {
        file: {line.split()[0]: line.split()[1:] for line in read_list(folder / file)}
        for file in (TRAINVAL_LIST, TEST_LIST)
    }
    unfit = unfit_names({file: list(names) for file, names in columns.items()})
    pairs = []
    for file, names in columns.items():
        for name, ids in names.items():
            if name not in unfit:
                split = "test" if file == TEST_LIST else split_of_listed(name, data.eval_percent)
                labels = {"label/breed": _breed(name), "label/species": _species(name, ids)}
                pairs.append(PairSource(name, split, f"{PHOTOS}/{name}.jpg", f"{MASKS}/{name}.png", labels))
    listed = columns[TRAINVAL_LIST].keys() | columns[TEST_LIST].keys()
    return Listing(
        folder=str(folder),
        pairs=tuple(sorted(pairs, key=lambda pair: pair.name)),
        broken=tuple(unfit[name] for name in sorted(unfit)),
        in_no_list=tuple(sorted(names_in(folder / PHOTOS, (".jpg",)).keys() - listed)),
    )


def _breed(name: str) -> str:
    return name.rpartition("_")[0] or name


def _species(name: str, ids: list[str]) -> str:
    """From the list's column; where there is none, cats' names begin with a capital."""
    if len(ids) >= 2:
        return {"1": "cat", "2": "dog"}.get(ids[1], ids[1])
    return "cat" if name[0].isupper() else "dog"
