"""One reader a format: each lists the pairs of a data set without opening the photos."""

from components.example_gen.pairs import Listing
from components.example_gen.readers import pets
from components.example_gen.settings import DataSettings


def list_pairs(data: DataSettings, scratch: str) -> Listing:
    """Lists the pairs of the data set that the settings name.

    Raises:
        UserError: The data set is missing, or a part of it.
    """
    return pets.list_pairs(data)


def watched(data: DataSettings) -> tuple[str, ...]:
    """Files and folders below `data.path` that the reader looks at."""
    return pets.WATCHED
