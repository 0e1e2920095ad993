"""One reader a format: each lists the pairs of a data set without opening the photos."""

from components.example_gen.pairs import Listing
from components.example_gen.readers import folder, pets, spans, tfds
from components.example_gen.settings import DataSettings
from petseg.files.object_store import place

LAYOUTS = {"pets": pets, "folder": folder}


def list_pairs(data: DataSettings, scratch: str) -> Listing:
    """Lists the pairs of the data set, or of the spans, that the settings name.

    Args:
        data: Where the data set is, and its format.
        scratch: An empty folder's path; files put there last as long as the component runs.

    Raises:
        UserError: The data set is missing, or a part of it.
    """
    if data.format == "tfds":
        return tfds.list_pairs(data, scratch)
    layout = LAYOUTS[data.format]
    return spans.list_pairs(data, layout.list_pairs) if data.spans else layout.list_pairs(data)


def watched(data: DataSettings) -> tuple[str, ...]:
    """Files and folders below `data.path` that the reader looks at."""
    if data.format == "tfds":
        return tfds.watched(data)
    places = LAYOUTS[data.format].WATCHED
    if not data.spans or data.path is None:
        return places
    # All of them, whatever the window: the test photos of each are judged on.
    return tuple(f"{span}/{part}" for span in spans.visible_folders(place(data.path)) for part in places)
