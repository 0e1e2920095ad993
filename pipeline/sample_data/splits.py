"""The split of a name in data without lists, and names that fill every split."""

import hashlib


def percentile(name: str) -> int:
    """The number from 0 to 99 that decides a name's split."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 100


def default_split(name: str) -> str:
    """The split of a name in data without lists."""
    percent = percentile(name)
    return "eval" if percent < 15 else "test" if percent < 30 else "train"


def split_names(prefix: str, pairs: int) -> list[str]:
    """Names `<prefix>_00001` and up of which, by `default_split`, one in five is eval and one is test."""
    wanted = ("train", "eval", "test", "train", "train")
    chosen: list[str] = []
    number = 0
    for index in range(pairs):
        number += 1
        while default_split(f"{prefix}_{number:05d}") != wanted[index % len(wanted)]:
            number += 1
        chosen.append(f"{prefix}_{number:05d}")
    return chosen
