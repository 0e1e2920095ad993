"""What names of files and folders say: photo or mask, which split, and the affixes of pairs."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

MASK = re.compile(
    r"mask|label(?!me)|annot|ground.?truth|segment|trimap|matte|gtfine|gtcoarse|(?<![a-z])(gt|seg|segm|lbl|anno|target|targets|y)(?![a-z])",
    re.IGNORECASE,
)
PHOTO = re.compile(
    r"image|img|photo|picture|foto|leftimg8bit|original|(?<![a-z])(rgb|input|inputs|x|orig|raw|pics)(?![a-z])",
    re.IGNORECASE,
)
PREFERRED = ("labeltrainids", "labelids", "semantic", "mask", "label")
"""Of several masks of a photo, the one with the first of these words is taken."""

LAST_CHOICE = ("color", "colour", "instance", "overlay", "depth", "preview", "vis", "blend")

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "eval",
    "valid": "eval",
    "validation": "eval",
    "eval": "eval",
    "dev": "eval",
    "test": "test",
    "testing": "test",
}
"""The split that a folder or list of this name holds."""

PIECES = re.compile(r"[_\-. ]+|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])")
MOST_AFFIXES = 8


@dataclass(frozen=True)
class Affix:
    """What surrounds the part of a file's name that a photo and its mask share."""

    prefix: str = ""
    suffix: str = ""

    def core(self, stem: str) -> str | None:
        """The part of a name between prefix and suffix; None if the name has others."""
        end = len(stem) - len(self.suffix)
        if end < len(self.prefix) or not stem.startswith(self.prefix) or not stem.endswith(self.suffix):
            return None
        return stem[len(self.prefix) : end]

    def around(self, core: str) -> str:
        """The name with prefix and suffix; the inverse of `core`."""
        return f"{self.prefix}{core}{self.suffix}"

    def __len__(self) -> int:
        return len(self.prefix) + len(self.suffix)


def maskness(text: str) -> int:
    """1 if a name says that it is about masks, -1 if it is about photos, 0 if it says nothing."""
    if MASK.search(text):
        return 1
    return -1 if PHOTO.search(text) else 0


def preference(text: str) -> int:
    """Order of names of several masks of a photo; the lowest is taken."""
    low = text.lower()
    if any(word in low for word in LAST_CHOICE):
        return len(PREFERRED) + 1
    return next((index for index, word in enumerate(PREFERRED) if word in low), len(PREFERRED))


def split_of(folder: str) -> str | None:
    """The split that a part of a folder's path names, such as `train` in `images/train`."""
    for part in reversed(folder.split("/")):
        for word in re.split(r"[_\-. ]+", part.lower()):
            if word in SPLIT_NAMES:
                return SPLIT_NAMES[word]
    return None


def affix_candidates(stems: Iterable[str]) -> list[Affix]:
    """Prefixes and suffixes that many names share, and none; each contains a letter.

    A whole name counts if several files have it: `image` and `mask` in one folder for each example.
    """
    names = list(stems)
    suffixes: Counter[str] = Counter()
    prefixes: Counter[str] = Counter()
    for name in names:
        cuts = [match.span() for match in PIECES.finditer(name)]
        suffixes.update({name[start:] for start, _ in cuts} | {name})
        prefixes.update({name[:end] for _, end in cuts})
    enough = max(2, len(names) // 50)
    found = [Affix(suffix=text) for text in _frequent(suffixes, enough)]
    return [Affix(), *found, *(Affix(prefix=text) for text in _frequent(prefixes, enough))]


def _frequent(counts: Counter[str], enough: int) -> list[str]:
    """The most telling of the frequent affixes: those about masks or photos, then the most frequent."""
    kept = [text for text, count in counts.items() if count >= enough and re.search("[A-Za-z]", text)]
    return sorted(kept, key=lambda text: (-abs(maskness(text)), -counts[text], len(text), text))[
        :MOST_AFFIXES
    ]
