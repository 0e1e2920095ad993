"""Lists the pairs of a data set or of its spans: checks the names that a reader finds and assigns splits."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

from components.example_gen.metadata import Metadata, read_metadata
from components.example_gen.pairs import (
    BY_NAME,
    TRAINVAL,
    Found,
    LeftOut,
    Listing,
    Note,
    PairSource,
    is_plain_path,
    split_of_listed,
    split_of_unlisted,
)
from components.example_gen.readers import find_reader
from components.example_gen.readers.files import data_folder
from components.example_gen.settings import DataSettings
from components.example_gen.spans import list_spans, merge_spans, visible_folders
from components.example_gen.storage.disk_index import DiskIndex
from components.example_gen.storage.spool import Spool
from petseg.errors import UserError
from petseg.files.object_store import as_path


def list_pairs(data: DataSettings, scratch: str) -> Listing:
    """Lists the pairs of the data set that the settings name.

    Args:
        data: Where the data set is, and its format.
        scratch: Path for a folder of unpacked files, which must last as long as the pairs are read.

    Raises:
        UserError: The data set is missing, or a part of it.
    """
    reader = find_reader(data.format)
    if not data.spans:
        return listing_of(reader.read_pairs(data, scratch), data)
    folder = data_folder(data)
    listings = {}
    for span in list_spans(folder):
        of_span = data.model_copy(update={"path": str(folder / span)})
        found = reader.read_pairs(of_span, os.path.join(scratch, span))
        listings[span] = listing_of(found, of_span)
    return merge_spans(listings, data.spans)


def watched(data: DataSettings) -> tuple[str, ...]:
    """Files and folders below `data.path` that the reader looks at, in all spans."""
    paths = find_reader(data.format).watched(data)
    if data.metadata is not None and "." not in paths:
        paths = (*paths, data.metadata)
    if not data.spans or data.path is None:
        return paths
    # Not only in the window: a model is evaluated on the test examples of all spans.
    return tuple(f"{span}/{path}" for span in visible_folders(as_path(data.path)) for path in paths)


def listing_of(found: Iterable[Found], data: DataSettings) -> Listing:
    """Sorts what a reader found, takes out names that cannot be used or are duplicated, assigns splits."""
    stored: Spool[PairSource] = Spool(block=1)
    broken: list[Note] = []
    left_out: list[str] = []

    def names() -> Iterator[tuple[str, str]]:
        for each in found:
            if isinstance(each, Note):
                broken.append(each)
            elif isinstance(each, LeftOut):
                left_out.append(each.name)
            elif not is_plain_path(each.name):
                broken.append(Note(each.found_in, f"{each.name!r} is not a plain file name"))
            else:
                stored.append(each)
                yield each.name, str(len(stored) - 1)

    positions = DiskIndex(names())
    metadata = None
    if data.metadata is not None and len(stored):
        metadata = read_metadata(data, [*(name for name, _ in positions.items()), *left_out])
    pairs: Spool[PairSource] = Spool()
    for name, (first, *others) in positions.items():
        pair = stored[int(first)]
        if others:
            reason = f"{name} is duplicated: {pair.found_in} has it too"
            broken.append(Note(stored[int(others[-1])].found_in, reason))
        else:
            pairs.append(_with_metadata(pair, metadata, data))
    return Listing(
        pairs=pairs,
        broken=tuple(broken),
        in_no_list=tuple(sorted(left_out)),
        metadata_without_photo=metadata.unmatched if metadata else (),
        without_metadata=tuple(pair.name for pair in pairs if metadata and pair.name not in metadata.rows),
    )


def _with_metadata(pair: PairSource, metadata: Metadata | None, data: DataSettings) -> PairSource:
    """The pair with its labels and its final split: that of its group, where there are groups."""
    key: str | None = pair.name
    if metadata and data.group_by is not None:
        key = metadata.group(pair.name, data.group_by)
    labels = pair.labels | (metadata.labels(pair.name) if metadata else {})
    return replace(pair, split=_final_split(pair, key, data), labels=labels)


def _final_split(pair: PairSource, key: str | None, data: DataSettings) -> str:
    if pair.split not in (TRAINVAL, BY_NAME):
        return pair.split
    if key is None:
        raise UserError(
            f"data.group_by: {data.metadata} gives {pair.name} no {data.group_by}; every photo needs one, "
            "so that a group stays in one split"
        )
    by_key = split_of_listed if pair.split == TRAINVAL else split_of_unlisted
    return by_key(key, data.eval_percent)
