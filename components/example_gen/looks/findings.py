"""What a person should know of a data set before a run, and what a run would do with it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from components.example_gen.looks.dataset import OpenedPair
from components.example_gen.looks.duplicates import same_photos, similar_photos, with_different_masks
from components.example_gen.looks.fitting import SIDEWAYS, wrong_size
from components.example_gen.looks.survey import Survey
from components.example_gen.pairs import SPLITS

NAMED = 10
CLEAR_EDGES, NO_EDGES = 1.5, 1.0
"""`edge_contrast` of masks in the median if it tells anything, and below which a mask is odd."""

FEWEST_COMPARED = 8

ANNOTATED_FORMATS = ("coco", "labelme", "label_studio")
"""Formats whose readers leave out photos without annotation."""


@dataclass(frozen=True)
class Finding:
    """One thing to know.

    Attributes:
        kind: For programs.
        text: In a few words, without the files.
        files: Names or paths that it is about.
        is_serious: Whether it is wrong, and not only worth knowing.
    """

    kind: str
    text: str
    files: tuple[str, ...] = ()
    is_serious: bool = False


def find(survey: Survey) -> list[Finding]:
    """All findings, serious ones first."""
    found = [
        *_missing(survey),
        *_broken(survey),
        *_exif(survey.opened.good),
        *_repeated(survey),
        *_odd_masks(survey),
    ]
    return sorted(found, key=lambda finding: not finding.is_serious)


def broken_files(survey: Survey) -> list[tuple[str, str]]:
    """Files that cannot be used, with the reason: those that cannot be a pair, be opened, or do not fit."""
    listed = survey.listing.broken if survey.listing else ()
    found = [(note.file, note.reason) for note in listed]
    found += [(pair.file, pair.problem) for pair in survey.opened.broken]
    if not survey.table.settings.get("resize_masks"):
        found += [
            (pair.source.mask_path, reason)
            for pair in survey.opened.good
            if (reason := wrong_size(pair)) is not None
        ]
    return sorted(dict.fromkeys(found))


def splits(survey: Survey) -> dict[str, int]:
    """Number of pairs of each split, as a run would divide them."""
    counts = Counter(pair.split for pair in survey.listing.pairs) if survey.listing else Counter()
    return {split: counts[split] for split in SPLITS}


def left_out(survey: Survey) -> str:
    """How many photos a run leaves out, and what they lack: an annotation, or a name in the lists."""
    photos = count(survey.listing.in_no_list if survey.listing else (), "photo")
    annotated = survey.settings["format"] in ANNOTATED_FORMATS
    return f"{photos} without annotation" if annotated else f"{photos} that no split list names"


def _missing(survey: Survey) -> list[Finding]:
    found = []
    lone = [f"{file} {reason}" for file, reason in broken_files(survey) if _is_lone(reason)]
    if survey.lone_photos:
        text = f"{count(survey.lone_photos, 'photo')} without a mask"
        found.append(Finding("photos_without_mask", text, tuple(survey.lone_photos), True))
    if survey.lone_masks:
        text = f"{count(survey.lone_masks, 'mask')} without a photo"
        found.append(Finding("masks_without_photo", text, tuple(survey.lone_masks), True))
    if lone and not found:
        found.append(Finding("missing", f"{count(lone, 'file')} missing", tuple(lone), True))
    if survey.listing and survey.listing.in_no_list:
        found.append(Finding("in_no_list", f"{left_out(survey)}, left out", survey.listing.in_no_list))
    return found


def _broken(survey: Survey) -> list[Finding]:
    broken = [(file, reason) for file, reason in broken_files(survey) if not _is_lone(reason)]
    if not broken:
        return []
    text = f"{count(broken, 'file')} that cannot be used"
    return [Finding("broken", text, tuple(f"{file} {reason}" for file, reason in broken), True)]


def _is_lone(reason: str) -> bool:
    """Whether a reader says of a photo or a mask that the other is missing, which `_missing` says already."""
    return reason.startswith(("is missing", "has no photo"))


def _exif(pairs: Sequence[OpenedPair]) -> list[Finding]:
    turned = [pair for pair in pairs if pair.photo and pair.photo.orientation != 1]
    if not turned:
        return []
    found = [Finding("exif", f"{count(turned, 'photo')} turned by EXIF", _names(turned))]
    if not exif_is_told(turned):
        text = (
            "nothing tells whether masks lie as the photo is stored or upright, since both have the same"
            " size; set data.masks_follow_exif"
        )
        found.append(Finding("exif_ambiguous", text, _names(turned), True))
    return found


def exif_is_told(turned: Sequence[OpenedPair]) -> bool:
    """Whether sizes tell which way the masks of photos that EXIF turns lie, each its own or all alike."""
    lies = [_lie(pair) for pair in turned]
    return None not in lies or len({lie for lie in lies if lie}) == 1


def _lie(pair: OpenedPair) -> str | None:
    """How a mask lies by its size; None where the photo has the same size upright and as stored."""
    photo, mask = pair.photo, pair.mask
    if not photo or not mask or photo.orientation not in SIDEWAYS or photo.width == photo.height:
        return None
    return "upright" if (mask.width > mask.height) == (photo.width > photo.height) else "stored"


def _repeated(survey: Survey) -> list[Finding]:
    groups = same_photos(survey.opened.pairs)
    found = []
    if groups:
        text = f"{count(groups, 'photo')} there more than once"
        found.append(Finding("duplicates", text, tuple(" = ".join(_names(group)) for group in groups)))
    different = with_different_masks(groups)
    if different:
        text = f"{count(different, 'photo')} there more than once with different masks"
        files = tuple(" / ".join(_names(group)) for group in different)
        found.append(Finding("contradictions", text, files, True))
    similar = similar_photos(survey.opened.pairs)
    if similar:
        text = f"{len(similar)} pairs of photos look" if len(similar) > 1 else "1 pair of photos looks"
        text += " the same"
        found.append(Finding("near_duplicates", text, tuple(" ~ ".join(_names(two)) for two in similar)))
    return found


def _odd_masks(survey: Survey) -> list[Finding]:
    found = []
    single = [pair for pair in survey.opened.good if pair.mask and len(pair.mask.values) == 1]
    if single and len(single) < len(survey.opened.good):
        found.append(Finding("single_class", f"{count(single, 'mask')} with one value only", _names(single)))
    elsewhere = edges_elsewhere(survey.opened.good)
    if elsewhere:
        text = f"{count(elsewhere, 'mask')} whose edges are not the photo's: shifted, or of another photo?"
        found.append(Finding("edges", text, _names(elsewhere)))
    return found


def edges_elsewhere(pairs: Sequence[OpenedPair]) -> list[OpenedPair]:
    """Pairs whose mask does not follow the photo's edges where most masks do; worst first."""
    known = sorted((pair for pair in pairs if pair.edges is not None), key=lambda pair: pair.edges or 0)
    if len(known) < FEWEST_COMPARED or (known[len(known) // 2].edges or 0) < CLEAR_EDGES:
        return []
    return [pair for pair in known if (pair.edges or 0) < NO_EDGES]


def _names(pairs: Sequence[OpenedPair]) -> tuple[str, ...]:
    return tuple(pair.source.name for pair in pairs)


def count(things: Sequence[object], name: str) -> str:
    """How many things there are: 1 photo, 2 photos."""
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"
