"""One reader a format: each lists the pairs of a data set without opening the photos."""

from components.example_gen.pairs import Listing
from components.example_gen.readers import folder, pets, tfds
from components.example_gen.settings import DataSettings


def list_pairs(data: DataSettings, scratch: str) -> Listing:
    """Lists the pairs of the data set that the settings name.

    Args:
        data: Where the data set is, and its format.
        scratch: An empty folder's path; files put there last as long as the component runs.

    Raises:
        UserError: The data set is missing, or a part of it.
    """
    if data.format == "tfds":
        return tfds.list_pairs(data, scratch)
    return {"pets": pets, "folder": folder}[data.format].list_pairs(data)


def watched(data: DataSettings) -> tuple[str, ...]:
    """Files and folders below `data.path` that the reader looks at."""
    if data.format == "tfds":
        return tfds.watched(data)
    return {"pets": pets, "folder": folder}[data.format].WATCHED
