"""COCO's run lengths and polygons, against results of pycocotools 2 and against geometry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from matplotlib.path import Path

from petseg.coco_rle import counts_of_mask, decode_counts, encode_counts, fill_polygon, mask_of_counts

PYCOCOTOOLS = [
    (12, 20, [-1.6, 1.58, 18.44, 7.38, -1.36, 4.88], "23901O00010O0000001O000010O000f1"),
    (
        12,
        20,
        [3.96, 8.5, 15.49, 2.52, -3.96, 13.95, 4.36, 2.87, 20.97, 7.43, 9.2, 10.59, -3.15, 9.48, 6.48, -0.87],
        "622O41MO115000KOM0193JLN540LK242101O000O2O00000O2O00I",
    ),
    (37, 29, [21.02, 40.85, 2.61, 25.24, 6.31, 31.02], "_51U11N1000O10000O10O10O10l="),
    (
        37,
        29,
        [23.52, 3.93, 27.89, 26.67, 21.92, 35.08, 11.6, 31.9, 29.87, -2.1],
        "j>2Q13M2O1N2N3M2N2N3M2O0O1J^OJa07^O0<0C85IJ>0h0",
    ),
    (64, 48, [52.3, 5.64, 47.58, 2.34, 55.2, 43.08], "PP3"),
]
"""Height, width, corners, and `pycocotools.mask.frPyObjects(...)[0]["counts"]`."""


@pytest.mark.parametrize(("height", "width", "corners", "counts"), PYCOCOTOOLS)
def test_polygons_are_those_of_pycocotools(height, width, corners, counts):
    mask = fill_polygon(corners, height, width)
    np.testing.assert_array_equal(mask, mask_of_counts(decode_counts(counts), height, width))
    assert encode_counts(counts_of_mask(mask)) == counts


@given(arrays.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_run_lengths_come_back(mask):
    counts = counts_of_mask(mask)
    np.testing.assert_array_equal(mask_of_counts(counts, *mask.shape), mask)
    assert decode_counts(encode_counts(counts)) == counts


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(1, 29), st.floats(1, 19)), min_size=3, max_size=3))
def test_polygons_differ_from_geometry_only_where_an_edge_crosses(corners):
    mask = fill_polygon(np.ravel(corners).tolist(), 20, 30)
    centers = np.stack(np.meshgrid(np.arange(30) + 0.5, np.arange(20) + 0.5), axis=-1).reshape(-1, 2)
    inside = Path([*corners, corners[0]], closed=True).contains_points(centers).reshape(20, 30)
    edges = zip(corners, [*corners[1:], corners[0]], strict=True)
    distances = [_distance(centers, np.array(start), np.array(end)) for start, end in edges]
    on_edge = (np.min(distances, axis=0) < 0.9).reshape(20, 30)
    assert not (mask != inside)[~on_edge].any()


def _distance(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distance of points to a line segment."""
    along = end - start
    position = ((points - start) @ along / max(along @ along, 1e-12)).clip(0, 1)
    return np.linalg.norm(points - (start + position[:, None] * along), axis=1)


def test_run_lengths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="run lengths of 7 pixels do not make 3 x 2"):
        mask_of_counts([3, 4], 2, 3)
    with pytest.raises(ValueError, match="end in the middle of a number"):
        decode_counts("_51U")
