"""Spans: data sets that arrive one after another, each in a folder of its own.

    data.path/span-1/, data.path/span-2/, ...         numbered, or
    data.path/2026-11-14/, data.path/2026-11-21/, ... dated

Each span is a whole data set in the layout of `data.format`. Names that begin with a dot are ignored, so a
span can be uploaded as `.span-3` and renamed when it is complete.

A name is one photo, in whatever span:

- It is `test` if any span says so, else `eval` if any span says so, else `train`. So a photo that was used
  for evaluation is never used for training.
- Its files are those of the newest span that has it: a later copy is a correction.

`data.spans` selects the spans to train on. Evaluation uses the test photos of all spans, so models stay
comparable.
"""

import itertools
import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from components.example_gen.pairs import KEPT_FIRST, Listing, Note, PairSource
from components.example_gen.readers.files import Folder
from components.example_gen.storage.spool import Spool
from petseg.errors import UserError

NUMBERED = re.compile(r"span-([0-9]+)")
DATED = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")

_progress = logging.getLogger("petseg")


class _Position(NamedTuple):
    """Where a pair is: in the listing of which span, and its split."""

    span: str
    number: int
    split: str

    def pair(self, listings: Mapping[str, Listing]) -> PairSource:
        return replace(listings[self.span].pairs[self.number], split=self.split, span=self.span)


def merge_spans(listings: Mapping[str, Listing], spans: str | int) -> Listing:
    """Merges the listings of spans: the pairs in the window, and the test pairs of all spans.

    Args:
        listings: By span, oldest first.
        spans: The setting `data.spans`.
    """
    window = _window(list(listings), spans)
    _progress.info(
        "spans: %d; training on %s, evaluating on the test photos of all", len(listings), _range(window)
    )
    newest: dict[str, _Position] = {}
    superseded: list[str] = []
    for span, listing in listings.items():
        for number, pair in enumerate(listing.pairs):
            earlier = newest.get(pair.name)
            splits = {pair.split, earlier.split if earlier else pair.split}
            split = next(split for split in KEPT_FIRST if split in splits)
            newest[pair.name] = _Position(span, number, split)
            if earlier:
                superseded.append(earlier.pair(listings).photo_path)
    if superseded:
        _progress.info("spans: %d photos are replaced by those of a later span", len(superseded))
    in_no_list = {name for span in window for name in listings[span].in_no_list}
    return Listing(
        pairs=Spool(
            newest[name].pair(listings)
            for name in sorted(newest)
            if newest[name].span in window or newest[name].split == "test"
        ),
        broken=tuple(
            Note(f"{span}/{note.file}", note.reason) for span in window for note in listings[span].broken
        ),
        in_no_list=tuple(sorted(in_no_list - newest.keys())),
        newest_span=list(listings)[-1],
        superseded=tuple(sorted(superseded)),
        metadata_without_photo=tuple(
            f"{span}/{name}" for span in window for name in listings[span].metadata_without_photo
        ),
        without_metadata=tuple(
            f"{span}/{name}" for span in window for name in listings[span].without_metadata
        ),
    )


def list_spans(folder: Folder) -> list[str]:
    """Names of the spans in a folder, oldest first.

    Raises:
        UserError: There is no span, a folder has another name, or two names have no order.
    """
    orders: dict[str, tuple[int, ...]] = {}
    for name in visible_folders(folder):
        match = NUMBERED.fullmatch(name) or DATED.fullmatch(name)
        if match is None:
            raise UserError(
                f"data.path: {folder / name} is not a span; spans are named span-1, span-2, ... or "
                "2026-11-21, ...; start the name with a dot to have the folder ignored"
            )
        orders[name] = tuple(map(int, match.groups()))
    if not orders:
        raise UserError(
            f"data.path: {folder} has no spans; with data.spans it must hold folders span-1, span-2, ... or "
            "2026-11-21, ..."
        )
    if len(set(map(len, orders.values()))) > 1:
        raise UserError(f"data.path: {folder} must have numbered or dated spans, not both")
    spans = sorted(orders, key=orders.__getitem__)
    for one, other in itertools.pairwise(spans):
        if orders[one] == orders[other]:
            raise UserError(f"data.path: {folder / one} and {other} have the same number")
    return spans


def visible_folders(folder: Folder) -> list[str]:
    """Sorted names of the folders in a folder, without those that begin with a dot."""
    if not folder.is_dir():
        return []
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    return sorted(entry.name for entry in entries if entry.is_dir())


def _window(spans: list[str], chosen: str | int) -> list[str]:
    """The spans to train on, from the oldest to the newest."""
    if chosen == "all":
        return spans
    return spans[-1:] if chosen == "newest" else spans[-int(chosen) :]


def _range(spans: list[str]) -> str:
    return spans[0] if len(spans) == 1 else f"{spans[0]} to {spans[-1]}"
