"""Finds which images are photos and which are their masks, by names alone, in any layout of folders."""

import itertools
import posixpath
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from components.example_gen.looks.recognition.names import (
    SPLIT_NAMES,
    Affix,
    affix_candidates,
    maskness,
    preference,
)
from components.example_gen.looks.tree import ending, stem

MOST_VALUES = 8
"""Folders at one depth above which they are examples, patients or cities, unless a name speaks of masks."""

MOST_OPENED = 12
"""Layouts whose files are opened where names do not tell photos from masks."""

NEARLY = 0.9
"""A layout with this share of the most pairs is a candidate, too; names decide among them."""


@dataclass(frozen=True)
class Relation:
    """How the folder of a mask follows from that of its photo.

    Attributes:
        kind: `same`: one folder; `swap`: the part at `depth` is `mask` instead of `photo`; `affix`: the part
            at `depth` has `mask` around it; `inner`: masks are in the folder `mask` in the photos' folder.
        depth: Which part of the path, from 0.
        photo: See `kind`.
        mask: See `kind`; of `affix`, prefix and suffix with `*` between.
    """

    kind: str
    depth: int = 0
    photo: str = ""
    mask: str = ""

    def photo_key(self, folder: str) -> str | None:
        """What the folder of a photo has in common with that of its mask; None if it holds no photos."""
        return self._swapped(folder, self.photo) if self.kind == "swap" else folder

    def mask_key(self, folder: str) -> str | None:
        """The same of a mask's folder."""
        if self.kind == "swap":
            return self._swapped(folder, self.mask)
        if self.kind == "inner":
            above, _, last = folder.rpartition("/")
            return above if last == self.mask else None
        if self.kind == "affix":
            prefix, _, suffix = self.mask.partition("*")
            parts = folder.split("/")
            core = Affix(prefix, suffix).core(parts[self.depth]) if self.depth < len(parts) else None
            return "/".join((*parts[: self.depth], core, *parts[self.depth + 1 :])) if core else None
        return folder

    def _swapped(self, folder: str, value: str) -> str | None:
        parts = folder.split("/")
        if self.depth >= len(parts) or parts[self.depth] != value:
            return None
        return "/".join((*parts[: self.depth], "*", *parts[self.depth + 1 :]))


@dataclass(frozen=True)
class Pairing:
    """A layout of photos and masks in files.

    Attributes:
        relation: Of their folders.
        photo: What surrounds the shared part of a photo's name.
        mask: The same of a mask's name.
        pairs: Path of the mask by that of its photo, sorted.
        rivals: Names of other files that could be the masks, such as those of another kind.
    """

    relation: Relation
    photo: Affix
    mask: Affix
    pairs: dict[str, str] = field(repr=False)
    rivals: tuple[str, ...] = ()

    @property
    def photo_folders(self) -> tuple[str, ...]:
        """Folders that hold paired photos."""
        return tuple(sorted({posixpath.dirname(path) for path in self.pairs}))

    @property
    def mask_folders(self) -> tuple[str, ...]:
        """Folders that hold their masks."""
        return tuple(sorted({posixpath.dirname(path) for path in self.pairs.values()}))

    def orphans(self, images: tuple[str, ...]) -> tuple[list[str], list[str]]:
        """Photos without a mask and masks without a photo, in the folders of the pairs."""
        paired, masks = self.pairs.keys(), set(self.pairs.values())
        rest = [path for path in images if path not in paired and path not in masks]
        photo_folders, mask_folders = set(self.photo_folders), set(self.mask_folders)
        lone_photos, lone_masks = [], []
        for path in rest:
            folder, name = posixpath.split(path)
            is_mask = folder in mask_folders and self.mask.core(stem(path)) is not None
            if is_mask and (folder not in photo_folders or len(self.mask)):
                lone_masks.append(path)
            elif folder in photo_folders and not any(name.endswith(rival) for rival in self.rivals):
                lone_photos.append(path)
        return lone_photos, lone_masks


def find_pairing(images: tuple[str, ...], is_mask: Callable[[str], bool]) -> Pairing | None:
    """The layout with the most pairs, or None if there is no pair.

    Args:
        images: Paths of the images, sorted.
        is_mask: Opens an image and tells whether it looks like a mask; asked where names say nothing.
    """
    found = [pairing for pairing in _candidates(images) if pairing.pairs]
    if not found:
        return None
    most = max(len(pairing.pairs) for pairing in found)
    found = sorted((one for one in found if len(one.pairs) >= NEARLY * most), key=_order)
    for one in found[:MOST_OPENED]:
        photo, mask = next(iter(one.pairs.items()))
        if _says(one) > 0 or (is_mask(mask) and not is_mask(photo)):
            return Pairing(one.relation, one.photo, one.mask, one.pairs, _rivals(one, found))
    return None


def _rivals(best: Pairing, found: list[Pairing]) -> tuple[str, ...]:
    others = (
        pairing.mask.suffix or pairing.relation.mask
        for pairing in found
        if pairing.pairs.keys() == best.pairs.keys() and pairing.pairs != best.pairs and _says(pairing) > 0
    )
    return tuple(sorted(set(others)))


def _order(pairing: Pairing) -> tuple[int, int, int, int, int]:
    """Sorts the likeliest first."""
    photos = sum(ending(path) in (".jpg", ".jpeg") for path in pairing.pairs)
    masks = sum(ending(path) in (".jpg", ".jpeg") for path in pairing.pairs.values())
    name = f"{pairing.relation.mask} {pairing.mask.prefix} {pairing.mask.suffix}"
    return (
        -_says(pairing),
        preference(name),
        -len(pairing.pairs),
        masks - photos,
        len(pairing.photo) + len(pairing.mask),
    )


def _says(pairing: Pairing) -> int:
    """How clearly names tell photos from masks in this direction; below 0: in the other one."""
    mask = f"{pairing.relation.mask} {pairing.mask.prefix} {pairing.mask.suffix}"
    photo = f"{pairing.relation.photo} {pairing.photo.prefix} {pairing.photo.suffix}"
    return maskness(mask) - maskness(photo)


def _candidates(images: tuple[str, ...]) -> Iterator[Pairing]:
    """Every layout that explains some pairs."""
    affixes = affix_candidates(stem(path) for path in images)
    split = [(path, posixpath.dirname(path), stem(path)) for path in images]
    for relation in _relations(images):
        photos = {affix: _by_key(split, relation.photo_key, affix) for affix in affixes}
        masks = {affix: _by_key(split, relation.mask_key, affix) for affix in affixes}
        for photo, mask in itertools.product(affixes, affixes):
            if relation.kind == "same" and photo == mask:
                if not len(photo):
                    yield from _by_ending(images, relation)
                continue
            if photo == mask and len(photo):
                continue
            shared = sorted(photos[photo].keys() & masks[mask].keys())
            pairs = {photos[photo][key]: masks[mask][key] for key in shared}
            yield Pairing(relation, photo, mask, dict(sorted(pairs.items())))


def _by_key(
    split: list[tuple[str, str, str]], key_of_folder: Callable[[str], str | None], affix: Affix
) -> dict[tuple[str, str], str]:
    keys: dict[tuple[str, str], str] = {}
    known: dict[str, str | None] = {}
    for path, folder, name in split:
        if folder not in known:
            known[folder] = key_of_folder(folder)
        key, core = known[folder], affix.core(name)
        if key is not None and core is not None:
            # macOS writes a letter and its accent apart, others together: the same name.
            keys.setdefault((unicodedata.normalize("NFC", key), unicodedata.normalize("NFC", core)), path)
    return keys


def _by_ending(images: tuple[str, ...], relation: Relation) -> Iterator[Pairing]:
    """Photos and masks in one folder that differ in the ending only."""
    of_ending: dict[str, dict[str, str]] = {}
    for path in images:
        of_ending.setdefault(ending(path), {})[posixpath.splitext(path)[0]] = path
    for photo, mask in itertools.permutations(of_ending, 2):
        shared = sorted(of_ending[photo].keys() & of_ending[mask].keys())
        pairs = {of_ending[photo][name]: of_ending[mask][name] for name in shared}
        yield Pairing(relation, Affix(), Affix(), pairs)


def _relations(images: tuple[str, ...]) -> list[Relation]:
    """Relations that hold between at least two folders that exist."""
    folders = Counter(posixpath.dirname(path) for path in images)
    found = [Relation("same")] if max(folders.values(), default=0) > 1 else []
    found += sorted(
        {
            Relation("inner", mask=name.rpartition("/")[2])
            for name in folders
            if name and name.rpartition("/")[0] in folders
        },
        key=lambda relation: relation.mask,
    )
    for depth in range(max((name.count("/") + 1 for name in folders), default=0)):
        found += _relations_at(depth, [name.split("/") for name in folders if name])
    return found


def _relations_at(depth: int, folders: list[list[str]]) -> list[Relation]:
    known = {tuple(parts) for parts in folders}
    values = sorted({parts[depth] for parts in folders if depth < len(parts)})
    found: dict[Relation, None] = {}
    for photo, mask in itertools.permutations(values, 2):
        if len(values) > MOST_VALUES and not (maskness(photo) or maskness(mask)):
            continue
        if photo.lower() in SPLIT_NAMES and mask.lower() in SPLIT_NAMES:
            continue
        siblings = (
            (*parts[:depth], mask, *parts[depth + 1 :]) in known
            for parts in folders
            if depth < len(parts) and parts[depth] == photo
        )
        if not any(siblings):
            continue
        found[Relation("swap", depth, photo, mask)] = None
        if photo in mask:
            found[Relation("affix", depth, "", mask.replace(photo, "*", 1))] = None
    return list(found)
