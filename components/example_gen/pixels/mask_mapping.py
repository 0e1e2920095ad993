"""Replaces what a mask file holds, numbers or colors, by the values of the class table."""

from collections.abc import Collection, Mapping

import numpy as np
from PIL import Image

from petseg.class_table import ClassTable
from petseg.errors import BrokenFileError

MOST_UNKNOWN = 16
"""Unknown values of one mask that are kept for messages, those with most pixels first."""


class UnknownValuesError(BrokenFileError):
    """A mask has values or colors that are not in the class table.

    Attributes:
        pixels: Pixels of each, by number, #rrggbb or label; 0 where shapes are not drawn yet.
    """

    def __init__(
        self, pixels: dict[str, int], known: Collection[object], what: str = "value", beside: str = ""
    ):
        self.pixels = pixels
        few = list(pixels)[:MOST_UNKNOWN]
        named = f"the {what} {few[0]}" if len(pixels) == 1 else f"the {what}s {', '.join(few)}"
        more = f" and {len(pixels) - len(few)} more" if len(pixels) > len(few) else ""
        count = sum(pixels.values())
        where = f" in {count} pixels" if count else ""
        super().__init__(
            f"has {beside}{named}{more}{where}; the class table has {', '.join(map(str, known)) or 'none'}"
        )


def map_numbers(numbers: np.ndarray, classes: ClassTable) -> tuple[np.ndarray, np.ndarray]:
    """Replaces the numbers of a mask by the values of their classes.

    Args:
        numbers: Integers [height, width].
        classes: The class table.

    Returns:
        The values, uint8 [height, width], and the number of pixels of each, int64 [256].

    Raises:
        UnknownValuesError: Some stand for no class.
    """
    table = classes.value_of_number
    if numbers.dtype == np.uint8:
        counts = count_bytes(numbers)
        present = np.flatnonzero(counts).tolist()
        if all(number in table for number in present):
            return _map_bytes(numbers, counts, {number: table[number] for number in present})
    values, is_known = _look_up(numbers, table)
    if not is_known.all():
        unknown, counts = np.unique(numbers[~is_known], return_counts=True)
        raise UnknownValuesError(_most(map(str, unknown), counts), sorted(classes.value_of_number))
    return values, count_bytes(values)


def map_colors(pixels: np.ndarray, value_of_color: Mapping[str, int], beside: str = "") -> np.ndarray:
    """Replaces the colors of a mask by the values of their classes.

    Args:
        pixels: uint8 [height, width, 3], RGB.
        value_of_color: Value of each color, #rrggbb in lower case.
        beside: What else to say of the mask in an error.

    Returns:
        uint8 [height, width].

    Raises:
        UnknownValuesError: Some stand for no class.
    """
    colors = packed(pixels)
    table = {int(color[1:], 16): value for color, value in value_of_color.items()}
    values, is_known = _look_up(colors, table)
    if not is_known.all():
        unknown, counts = np.unique(colors[~is_known], return_counts=True)
        found = _most((f"#{color:06x}" for color in unknown), counts)
        raise UnknownValuesError(found, sorted(value_of_color), "color", beside)
    return values


def count_bytes(values: np.ndarray) -> np.ndarray:
    """Number of pixels of each value, int64 [256], of uint8 [height, width]."""
    # Pillow counts bytes three times as fast as np.bincount, which makes 64-bit numbers of them first.
    return np.array(Image.fromarray(values).histogram())


def _map_bytes(
    numbers: np.ndarray, counts: np.ndarray, table: dict[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Replaces uint8 numbers, all of which are in the table; they are counted already."""
    if all(number == value for number, value in table.items()):
        return numbers, counts
    values = np.zeros(256, np.uint8)
    values[list(table)] = list(table.values())
    counts_of_values = np.zeros_like(counts)
    np.add.at(counts_of_values, list(table.values()), counts[list(table)])
    return values.take(numbers), counts_of_values


def _look_up(numbers: np.ndarray, table: dict[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """uint8 values by a table, and bool where there is one, both of the numbers' shape."""
    known = np.array(sorted(table), np.int64)
    values = np.array([table[number] for number in known], np.uint8)
    if not len(known):
        return np.zeros(numbers.shape, np.uint8), np.zeros(numbers.shape, bool)
    index = np.searchsorted(known, numbers).clip(max=len(known) - 1)
    return values[index], known[index] == numbers


def _most(names: object, counts: np.ndarray) -> dict[str, int]:
    found = dict(zip(names, counts.tolist(), strict=True))  # type: ignore[call-overload]
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def packed(pixels: np.ndarray) -> np.ndarray:
    """RGB colors of uint8 [..., 3] as integers [...]."""
    red, green, blue = (pixels[..., channel].astype(np.int32) for channel in range(3))
    return red << 16 | green << 8 | blue
