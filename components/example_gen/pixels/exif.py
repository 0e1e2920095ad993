"""Which way masks lie whose photos are turned by EXIF: as the photo is stored, or upright."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from components.example_gen.pairs import CheckedPair, Lie, Note
from components.example_gen.settings import DataSettings
from components.example_gen.storage.spool import Spool
from petseg.errors import UserError

if TYPE_CHECKING:
    from components.example_gen.pixels.photo import Photo

TURNED = "turned like its photo"


def lie_of(shape: tuple[int, ...], photo: "Photo", any_size: bool) -> Lie | None:
    """How the size of a mask says that it lies; None where both ways have it.

    Args:
        shape: Height and width of the mask.
        photo: Its photo.
        any_size: Whether the ratio of height and width counts where the size is another.
    """
    if photo.orientation == 1:
        return "upright"
    if photo.shape == photo.stored_shape:
        return None
    if shape == photo.shape:
        return "upright"
    if shape == photo.stored_shape:
        return "stored"
    if not any_size or shape[0] == shape[1]:
        return None
    is_as_upright = (shape[0] > shape[1]) == (photo.shape[0] > photo.shape[1])
    return "upright" if is_as_upright else "stored"


@dataclass(frozen=True)
class ExifChoice:
    """How the masks of the photos that EXIF turns were taken.

    Attributes:
        told: Number of pairs whose sizes tell, by how the mask lies.
        open: Number of pairs whose sizes do not tell.
        turned: Whether the masks of these are turned like their photos.
        decided_by: `sizes` of the other pairs, or `data.masks_follow_exif`; empty if nothing was open.
    """

    told: dict[str, int]
    open: int = 0
    turned: bool = False
    decided_by: str = ""


def settle(pairs: Spool[CheckedPair], data: DataSettings) -> tuple[Spool[CheckedPair], ExifChoice]:
    """Decides for the whole data set how masks lie whose sizes do not tell.

    Args:
        pairs: Good pairs.
        data: The settings; `masks_follow_exif` decides where sizes do not.

    Returns:
        The pairs, with `turned` where a mask is to be turned, and the choice.

    Raises:
        UserError: Nothing decides.
    """
    lies = Counter(pair.lie for pair in pairs if pair.orientation != 1)
    unclear = lies.pop(None, 0)
    told: dict[str, int] = {str(lie): count for lie, count in lies.items()}
    if not unclear:
        return pairs, ExifChoice(told)
    if data.masks_follow_exif is not None:
        choice = ExifChoice(told, unclear, data.masks_follow_exif, "data.masks_follow_exif")
    elif len(told) == 1:
        choice = ExifChoice(told, unclear, "stored" in told, "sizes")
    else:
        first = next(pair for pair in pairs if pair.lie is None)
        raise UserError(_question(first, unclear, told))
    if not choice.turned:
        return pairs, choice
    return Spool(_turn(pair) if pair.lie is None else pair for pair in pairs), choice


def _turn(pair: CheckedPair) -> CheckedPair:
    file = pair.source.mask_path
    others = tuple(note for note in pair.repairs if note.file != file)
    reasons = [note.reason for note in pair.repairs if note.file == file]
    note = Note(file, "; ".join([*reasons, TURNED]))
    return replace(pair, turned=True, is_as_stored=False, repairs=(*others, note))


def _question(first: CheckedPair, unclear: int, told: dict[str, int]) -> str:
    others = (
        "; the pairs whose sizes tell disagree: "
        + ", ".join(f"{count} {lie}" for lie, count in sorted(told.items()))
        if told
        else ""
    )
    return (
        f"data: {unclear} photos are turned by EXIF, such as {first.source.photo_path} (orientation "
        f"{first.orientation}), and no size tells how their masks lie{others}; set data.masks_follow_exif: "
        "true if masks lie as the photos are stored, so that they are turned too, or false if masks lie as "
        "viewers show the photos"
    )


def in_words(choice: ExifChoice) -> str:
    """The choice in a few words; empty if no photo is turned by EXIF."""
    parts = [f"{count} masks lie as the {lie} photo" for lie, count in sorted(choice.told.items())]
    if choice.open:
        how = "turned like their photos" if choice.turned else "left as they are"
        by = "by the sizes of the others" if choice.decided_by == "sizes" else f"by {choice.decided_by}"
        parts.append(f"{choice.open} whose size does not tell are {how}, {by}")
    return ", ".join(parts)
