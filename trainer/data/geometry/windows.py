"""Windows that cover a photo: the overlap-tile strategy of the U-Net paper (Ronneberger et al. 2015).

The network sees a window and its surroundings, and only the inner part of its prediction is kept. Inner parts
lie side by side and cover each pixel exactly once. Beyond the photo's edges the windows show its reflection.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.data.geometry.resizing import Size, reflected


@dataclass(frozen=True)
class Windows:
    """The grid of windows of one size.

    Its arithmetic works on arrays of NumPy, on tensors and on plain numbers: training cuts windows out of
    arrays, the SavedModel does it in its graph.

    Attributes:
        size: H and W, height and width of a window in pixels.
        overlap: Pixels that a window shares with the next one, an even number.

    Examples:
        >>> import numpy as np
        >>> windows = Windows((8, 8), overlap=4)
        >>> windows.inner_size, windows.counts(10, 3)
        ((4, 4), (3, 1))
        >>> windows.positions(0, np.arange(3), 10).tolist()[2]
        [6, 7, 8, 9, 9, 8, 7, 6]
    """

    size: Size
    overlap: int

    @property
    def margin(self) -> int:
        """Pixels on each side of the inner part."""
        return self.overlap // 2

    @property
    def inner_size(self) -> Size:
        """Height and width in pixels of the part of a window that is kept."""
        height, width = self.size
        return height - self.overlap, width - self.overlap

    def counts(self, height: Any, width: Any) -> tuple[Any, Any]:
        """Rows and columns of windows that cover a photo of a height and width in pixels."""
        inner_height, inner_width = self.inner_size
        return -(-height // inner_height), -(-width // inner_width)

    def positions(self, axis: int, indices: Any, length: Any) -> Any:
        """The pixels of a photo that windows show, on one axis.

        Args:
            axis: 0 for rows, 1 for columns.
            indices: Integers [n], rows or columns of windows.
            length: Height or width of the photo in pixels.

        Returns:
            Integers [n, H or W] from 0 to `length` - 1.
        """
        return reflected(self._unbounded(axis, indices), length)

    def inside(self, axis: int, indices: Any, length: Any) -> Any:
        """Whether the pixels of windows are kept on one axis, bool [n, H or W]; see `positions`."""
        pixels = self._unbounded(axis, indices)
        first = indices[:, None] * self.inner_size[axis]
        return (pixels >= first) & (pixels < first + self.inner_size[axis]) & (pixels < length)

    def _unbounded(self, axis: int, indices: Any) -> Any:
        """Positions that lie beyond the photo's edges, too."""
        first = indices[:, None] * self.inner_size[axis] - self.margin
        return first + np.arange(self.size[axis], dtype=np.int32)
