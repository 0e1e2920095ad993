"""Checks that clients over REST can ask the model: the JSON of requests and responses, and its size."""

from pathlib import Path
from typing import Any

import numpy as np

from components.serving_check.request_files import Request
from components.serving_check.rest_json import NotRestError, read_response, response_json

MEGABYTE = 1e6
"""Servers count their limits so."""


def check_rest(folder: Path, requests: list[Request], max_response_mb: float) -> list[dict[str, Any]]:
    """Sends what the client received through TensorFlow Serving's JSON, and compares what comes out.

    Args:
        folder: Has the files of the requests, and beside each what the model answered (see client.py).
        requests: Requests of one photo are checked.
        max_response_mb: Largest allowed response to one photo, in MB (10^6 bytes).

    Returns:
        The checks: `{"name", "passed", "detail"}`.
    """
    sizes: dict[str, float] = {}
    try:
        for request in requests:
            if len(request.files) == 1 and request.sizes is not None:
                sizes[request.name] = _round_trip(folder / request.files[0]) / MEGABYTE
    except NotRestError as error:
        return [{"name": "REST", "passed": False, "detail": str(error)}]
    largest = max(sizes, key=lambda name: sizes[name])
    passed = sizes[largest] <= max_response_mb
    sign = "within" if passed else "above"
    limit = f"serving_check.max_response_mb = {max_response_mb:g} MB"
    return [
        {"name": "REST", "passed": True, "detail": f"{len(sizes)} responses are JSON in UTF-8"},
        {
            "name": "size of a response",
            "passed": passed,
            "detail": f"{sizes[largest]:.3g} MB of JSON is {sign} {limit}; {largest}",
        },
    ]


def _round_trip(photo: Path) -> int:
    """Bytes of the response to a photo."""
    outputs = read_outputs(photo)
    response = response_json(outputs)
    (received,) = read_response(response)
    for name, values in outputs.items():
        (expected,) = values.tolist()
        is_bytes = isinstance(expected, bytes)
        if not (received[name] == expected if is_bytes else np.allclose(received[name], expected)):
            raise NotRestError(f"{name} of {photo.name} is another one after TensorFlow Serving's JSON")
    return len(response)


def read_outputs(photo: Path) -> dict[str, np.ndarray]:
    """What the client stored beside a photo: outputs by name, with one row."""
    with np.load(photo.with_name(f"{photo.name}.npz"), allow_pickle=False) as stored:
        outputs = {}
        for name, value in stored.items():
            if value.dtype == np.uint8:
                outputs[name] = np.empty(1, object)
                outputs[name][0] = value.tobytes()
            else:
                outputs[name] = value
        return outputs
