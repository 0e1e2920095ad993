"""Looks at a whole data set: recognizes it, lists its pairs as a run would, and opens them."""

import posixpath
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from components.example_gen.listing import list_pairs
from components.example_gen.looks.classes import ProposedTable, propose_classes
from components.example_gen.looks.dataset import Opened, open_pairs
from components.example_gen.looks.fitting import fitting_settings
from components.example_gen.looks.label_classes import propose_for_labels, with_counts
from components.example_gen.looks.recognition.pattern_settings import pattern_settings
from components.example_gen.looks.recognition.recognize import recognize
from components.example_gen.looks.recognition.recognized import Recognized
from components.example_gen.looks.tree import FileTree, list_tree
from components.example_gen.pairs import Listing
from components.example_gen.readers import unpacks
from components.example_gen.settings import DataSettings
from petseg.errors import UserError
from petseg.files.object_store import is_url

if TYPE_CHECKING:
    from components.example_gen.looks.unpacked import Unpacked


@dataclass(frozen=True)
class Survey:
    """What was found in a folder.

    Attributes:
        tree: Its files.
        recognized: The data set; None if nothing is recognized.
        path: Of the data set: the folder, or one below it.
        settings: Settings of `data` with which a run reads it, but for path and classes.
        table: The class table that fits the masks.
        listing: The pairs, as a run lists them; None if it cannot.
        problem: Why a run cannot list the pairs; empty if it can.
        opened: The pairs that were opened.
        unpacked: Holds the files of a data set that had to be unpacked.
    """

    tree: FileTree
    recognized: Recognized | None
    path: str
    settings: dict[str, Any] = field(default_factory=dict)
    table: ProposedTable = field(default_factory=ProposedTable)
    listing: Listing | None = None
    problem: str = ""
    opened: Opened = field(default_factory=lambda: Opened((), 0))
    unpacked: "Unpacked | None" = None

    @property
    def lone_photos(self) -> list[str]:
        """Photos without a mask, where names tell."""
        return self._orphans()[0]

    @property
    def lone_masks(self) -> list[str]:
        """Masks without a photo, where names tell."""
        return self._orphans()[1]

    def _orphans(self) -> tuple[list[str], list[str]]:
        if self.recognized is None or self.recognized.pairing is None:
            return [], []
        return self.recognized.pairing.orphans(self.tree.images)

    def data_settings(self) -> DataSettings:
        """The settings of `data` that `init` would write."""
        return DataSettings.model_validate(
            {"path": self.path, **self.settings, **self.table.settings, "classes": self.table.to_settings()}
        )


def survey(
    root: str,
    most: int | None = None,
    on_file: Callable[[int], None] = lambda found: None,
    on_pair: Callable[[int, int], None] = lambda done, all_of_them: None,
) -> Survey:
    """Looks at a folder.

    Args:
        root: A local folder, or the URL of one on a store.
        most: How many pairs to open at most, see `open_pairs`.
        on_file: Called with the number of files found so far.
        on_pair: Called with the number of pairs opened, and how many will be.

    Raises:
        UserError: There is no such folder, or the store cannot be used.
    """
    tree = list_tree(root, on_file)
    recognized = recognize(tree)
    if recognized is None:
        return Survey(tree, None, root)
    path = join_path(root, recognized.below)
    settings = layout_settings(recognized)
    if unpacks(recognized.format):
        return _survey_unpacked(Survey(tree, recognized, path, settings), most, on_pair)
    # Annotations are drawn with the values of a class table; files of masks are looked at without one.
    table = propose_for_labels(recognized.labels) if recognized.labels else ProposedTable()
    try:
        listing = _list({"path": path, **settings, "classes": table.to_settings()})
    except UserError as error:
        return Survey(tree, recognized, path, settings, table, None, str(error).splitlines()[0])
    opened = open_pairs(listing.pairs, most, on_pair)
    table = with_counts(table, opened) if table.classes else propose_classes(opened, recognized.label_map)
    needed, remarks = fitting_settings(opened)
    table = replace(table, settings=table.settings | needed, remarks=table.remarks + remarks)
    return Survey(tree, recognized, path, settings, table, listing, "", opened)


def _survey_unpacked(begun: Survey, most: int | None, on_pair: Callable[[int, int], None]) -> Survey:
    """Looks at the first examples of a data set that has to be unpacked."""
    # TensorFlow, which no other data set needs here.
    from components.example_gen.looks.unpacked import unpack

    try:
        unpacked = unpack(DataSettings.model_validate({"path": begun.path, **begun.settings}))
    except UserError as error:
        return replace(begun, problem=str(error).splitlines()[0])
    opened = open_pairs(unpacked.listing.pairs, most, on_pair)
    table = propose_classes(opened, unpacked.label_map)
    needed, remarks = fitting_settings(opened)
    remarks += (unpacked.remark,) if unpacked.remark else ()
    table = replace(table, settings=table.settings | needed, remarks=table.remarks + remarks)
    return replace(begun, table=table, listing=unpacked.listing, opened=opened, unpacked=unpacked)


def layout_settings(recognized: Recognized) -> dict[str, Any]:
    """Settings of `data` that say where photos and masks are."""
    patterns = pattern_settings(recognized.pairing) if recognized.pairing else {}
    return {"format": recognized.format, **recognized.settings, **(patterns or {})}


def _list(settings: dict[str, Any]) -> Listing:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            return list_pairs(DataSettings.model_validate(settings), f"{scratch}/unpacked")
        except ValidationError as error:
            raise UserError(error.errors()[0]["msg"]) from None


def join_path(root: str, below: str) -> str:
    """A folder below a folder or URL."""
    if not below:
        return root
    return f"{root.rstrip('/')}/{below}" if is_url(root) else posixpath.join(root, below)
