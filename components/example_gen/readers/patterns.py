"""Patterns of photos, templates of their masks, and words for splits in names of folders and lists.

`images/*.jpg`, `**/photos/*`, `{split}/{city}/{id}_photo.png`: `*` stands for any text in a name, `**/` for
any folders, `{word}` for text in a name that a template can repeat, `{word:train|val}` for one of several
words, and `{word:**}` for a path. Without an ending, a pattern stands for every ending of a photo.
"""

import os
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Mapping

from components.example_gen.pairs import BY_NAME, TRAINVAL
from petseg.errors import UserError
from petseg.files.image_file import PHOTO_ENDINGS

SPLIT_WORDS = {
    "train": ("train", "training"),
    "eval": ("eval", "val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
"""Names of folders and lists for each split, in lower case."""

ANY_ENDING = ".*"
OF_PHOTO = ("name", "stem", "dir")
"""Words that a template of masks can use for every photo."""

_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\{(\w+)(?::([^{}]+))?\}|[^*?{]+|.")


def split_words(word: str) -> str | None:
    """The split that a name stands for: `val` is eval; None if it stands for none."""
    return next((split for split, words in SPLIT_WORDS.items() if word.lower() in words), None)


def splits_of(words: Iterable[str]) -> dict[str, str]:
    """What the words that a data set has mean together.

    Without a word for test, the validation data is `test` and eval is taken from train, as for data whose
    test labels are not published. Without one for eval, it is taken from train too.

    Args:
        words: Names of folders or lists that stand for a split.

    Returns:
        For each word a split of PairSource.
    """
    meant = {word: split_words(word) for word in words}
    found = set(meant.values())
    if found <= {"train"}:
        return dict.fromkeys(meant, BY_NAME)
    train = "train" if {"eval", "test"} <= found else TRAINVAL
    evaluation = "eval" if "test" in found else "test"
    return {
        word: {"train": train, "eval": evaluation, "test": "test"}[split]
        for word, split in meant.items()
        if split
    }


def composed(path: str) -> str:
    """The path with composed letters (NFC): macOS stores names decomposed."""
    return unicodedata.normalize("NFC", path)


def without_ending(path: str, endings: Iterable[str] = PHOTO_ENDINGS) -> str:
    """The path without a known ending; another one, as in `v1.2`, is part of the name."""
    stem, ending = os.path.splitext(path)
    return stem if ending.lower() in endings else path


class PathPattern:
    """A pattern of paths below the data set's folder.

    Attributes:
        folder: The folders before the first wildcard, `.` if there are none.
        words: Regular expression of each placeholder.
    """

    def __init__(self, key: str, pattern: str):
        """Takes the setting's name, for messages, and the pattern.

        Raises:
            UserError: It leads out of the folder.
        """
        check_inside(key, pattern)
        self.text = pattern
        self.folder = posixpath.dirname(re.split(r"[*?{]", pattern, maxsplit=1)[0]) or "."
        ending = next((known for known in PHOTO_ENDINGS if pattern.lower().endswith(known)), "")
        self._endings = (ending,) if ending else PHOTO_ENDINGS
        body = pattern[: len(pattern) - len(ending)].removesuffix(ANY_ENDING)
        self._regex = re.compile(_expression(body), re.DOTALL)
        self.words = {token[1]: _one_of(token[1], token[2]) for token in _TOKEN.finditer(body) if token[1]}

    def match(self, path: str) -> dict[str, str] | None:
        """The words of a path; None if it does not match."""
        stem, ending = os.path.splitext(composed(path))
        found = self._regex.fullmatch(stem) if ending.lower() in self._endings else None
        return found.groupdict() if found else None

    def name_of(self, path: str) -> str:
        """The path below `folder` without ending, composed."""
        return without_ending(composed(posixpath.relpath(path, self.folder) if self.folder != "." else path))


class MaskTemplate:
    """Where the mask of a photo is.

    Attributes:
        folder: The folders before the first placeholder, `.` if there are none.
        is_beside: Whether it names no folder: the mask is beside its photo.
    """

    def __init__(self, template: str, words: Mapping[str, str]):
        """Takes the template and the words that the pattern of photos has, each with what it matches.

        Raises:
            UserError: It leads out of the folder, or has a word that nothing gives.
        """
        check_inside("data.masks", template)
        known = (*OF_PHOTO, *words)
        for word in re.findall(r"\{(\w*)\}", template):
            if word not in known:
                raise UserError(
                    f"data.masks: {{{word}}} of {template} is unknown; data.photos and every photo give "
                    + ", ".join(f"{{{name}}}" for name in known)
                )
        self.text = template
        self.is_beside = "/" not in template
        self.folder = posixpath.dirname(template.split("{")[0]) or "."
        self.any_ending = template.endswith(ANY_ENDING)
        stem = template.removesuffix(ANY_ENDING)
        pieces = re.split(r"(\{\w+\})", stem)
        matches = {"name": ".+", "dir": ".*", "stem": "[^/]+", **words}
        self._regex = re.compile(
            "".join(
                matches[piece[1:-1]] if piece.startswith("{") else re.escape(composed(piece))
                for piece in pieces
            )
            + (r"\.[^./]+" if self.any_ending else ""),
            re.DOTALL,
        )

    def path_for(self, photo: str, name: str, words: dict[str, str]) -> str:
        """Path of a photo's mask below the data set's folder, composed; without ending if any may be."""
        photo = composed(photo)
        folder = posixpath.dirname(photo)
        values = {
            "name": name,
            "stem": without_ending(posixpath.basename(photo)),
            "dir": folder or ".",
        } | words
        text = self.text.removesuffix(ANY_ENDING)
        path = re.sub(r"\{(\w+)\}", lambda found: values[found[1]], composed(text))
        return posixpath.normpath(posixpath.join(folder, path) if self.is_beside else path)

    def can_be(self, path: str) -> bool:
        """Whether a path can be the mask of some photo."""
        path = composed(path)
        return self._regex.fullmatch(posixpath.basename(path) if self.is_beside else path) is not None


def pattern_regex(key: str, pattern: str) -> re.Pattern[str]:
    """What matches a pattern of any files, with its ending.

    Raises:
        UserError: It leads out of the folder.
    """
    check_inside(key, pattern)
    return re.compile(_expression(pattern), re.DOTALL)


def check_inside(key: str, pattern: str) -> None:
    """Raises a UserError if a pattern starts outside the data set's folder."""
    if not pattern or pattern.startswith(("/", "..")) or "\\" in pattern:
        raise UserError(f"{key} must be a path below data.path, with / between folders; received {pattern!r}")


def _expression(pattern: str) -> str:
    """A regular expression of a pattern."""
    parts = []
    seen: set[str] = set()
    for token in _TOKEN.finditer(composed(pattern)):
        word, choices = token[1], token[2]
        if word in seen:
            parts.append(f"(?P={word})")
        elif word:
            seen.add(word)
            parts.append(f"(?P<{word}>{_one_of(word, choices)})")
        else:
            parts.append(
                {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(token[0])
                or re.escape(token[0])
            )
    return "".join(parts)


def _one_of(word: str, choices: str | None) -> str:
    """What a placeholder matches: one of its choices, a word for a split, a path, or text in a name."""
    if choices == "**":
        return ".+?"
    if choices is None and word != "split":
        return "[^/]+?"
    words = choices.split("|") if choices else [each for words in SPLIT_WORDS.values() for each in words]
    return f"(?i:{'|'.join(map(re.escape, words))})"
