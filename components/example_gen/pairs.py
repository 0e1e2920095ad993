"""What is known of a pair before, and after, its two files were read."""

import hashlib
import json
from dataclasses import asdict, dataclass, field

SPLITS = ("train", "eval", "test")

KEPT_FIRST = ("test", "eval", "train")
"""What stands in several splits stays in the first of these: judging comes before training."""


@dataclass(frozen=True)
class Note:
    """Something about one file that the user should hear of."""

    file: str
    reason: str


@dataclass(frozen=True)
class PairSource:
    """A pair that a reader found: where it lies and what is known without opening it.

    Attributes:
        name: File name without ending; the key everywhere.
        split: One of SPLITS.
        photo: Path of the photo below the data set's folder.
        mask: Path of the mask below the data set's folder.
        labels: Features of the whole photo, such as `label/breed`.
        span: Folder of the span that it came with; empty where the data has none.
    """

    name: str
    split: str
    photo: str
    mask: str
    labels: dict[str, str] = field(default_factory=dict)
    span: str = ""


@dataclass(frozen=True)
class Listing:
    """What a reader found in a data set.

    Attributes:
        folder: The data set's folder.
        pairs: Pairs to be read, sorted by name.
        broken: Names and files that cannot be a pair, with the reason.
        in_no_list: Names of photos that stand in no list and are left out.
        newest_span: The last span; empty where the data has none.
        superseded: Photos of earlier spans whose name a later span has too.
    """

    folder: str
    pairs: tuple[PairSource, ...]
    broken: tuple[Note, ...] = ()
    in_no_list: tuple[str, ...] = ()
    newest_span: str = ""
    superseded: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckedPair:
    """What the check found in a pair's two files; small, so that thousands fit in memory.

    Attributes:
        source: The pair.
        broken: Why the pair cannot be used, or None.
        repairs: What had to be changed in the photo or the mask.
        sha256: Hex digest of the photo's file.
        difference_hash: Perceptual hash of the photo, see near_duplicates.
        height: Pixels of the upright photo.
        width: Pixels of the upright photo.
        pixels: Mask pixels of each class, in the order of class ids.
    """

    source: PairSource
    broken: Note | None = None
    repairs: tuple[Note, ...] = ()
    sha256: str = ""
    difference_hash: str = ""
    height: int = 0
    width: int = 0
    pixels: tuple[int, ...] = ()

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of each class among the mask's pixels that are not ignored; they sum to 1."""
        return tuple(count / sum(self.pixels) for count in self.pixels)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "CheckedPair":
        """The inverse of to_json."""
        fields = json.loads(line)
        fields["source"] = PairSource(**fields["source"])
        fields["broken"] = fields["broken"] and Note(**fields["broken"])
        fields["repairs"] = tuple(Note(**note) for note in fields["repairs"])
        fields["pixels"] = tuple(fields["pixels"])
        return cls(**fields)


def split_number(name: str) -> int:
    """A number from 0 to 99 that depends on nothing but the name."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 100


def split_of_listed(name: str, eval_percent: int) -> str:
    """Divides a list of names for training into `eval` and `train`."""
    return "eval" if split_number(name) < eval_percent else "train"


def split_of_unlisted(name: str, eval_percent: int) -> str:
    """Divides data without lists: as much `test` as `eval`, the rest `train`."""
    number = split_number(name)
    if number < eval_percent:
        return "eval"
    return "test" if number < 2 * eval_percent else "train"
