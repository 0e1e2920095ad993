"""The JSON of TensorFlow Serving's REST API, by the rules of its source.

tensorflow_serving/util/json_tensor.cc, at 9d981c5 of July 2026: a request's `{"b64": ...}` becomes bytes
(line 382); a response's string is written as `{"b64": ...}` if its output's name ends in `_bytes` (lines 877
to 884 and 908 to 916), else as it is (line 918), whether or not it is UTF-8; each photo of a batch has an
object by output name, or the bare value of a single output (lines 975 to 1026).
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BASE64_KEY = "b64"
BYTES_SUFFIX = "_bytes"

Outputs = Mapping[str, NDArray[Any]]
"""Outputs of a signature by name, each [n, ...]; strings as bytes in an object array."""


class NotRestError(Exception):
    """A client over REST cannot read the response."""


def request_json(photos: Sequence[bytes], signature: str) -> bytes:
    """The body of a request for a batch of photos."""
    instances = [{BASE64_KEY: base64.b64encode(photo).decode()} for photo in photos]
    return json.dumps({"signature_name": signature, "instances": instances}).encode()


def response_json(outputs: Outputs) -> bytes:
    """The body of the response with the outputs of a signature."""
    photos = zip(*(values.tolist() for values in outputs.values()), strict=True)
    rows = [
        b",".join(_key(name) + _value(name, value) for name, value in zip(outputs, photo, strict=True))
        for photo in photos
    ]
    if len(outputs) == 1:
        (name,) = outputs
        bare = [row.removeprefix(_key(name)) for row in rows]
        return b'{"predictions":[' + b",".join(bare) + b"]}"
    return b'{"predictions":[' + b",".join(b"{" + row + b"}" for row in rows) + b"]}"


def read_response(content: bytes) -> list[dict[str, Any]]:
    """The outputs of each photo, as a client decodes them: `{"b64": ...}` becomes bytes.

    Raises:
        NotRestError: It is no JSON in UTF-8.
    """
    try:
        predictions = json.loads(content.decode("utf-8"))["predictions"]
    except UnicodeDecodeError:
        raise NotRestError(
            "the response is not UTF-8: TensorFlow Serving sends a string as base64 only if the name of its "
            f"output ends in {BYTES_SUFFIX}"
        ) from None
    except (ValueError, KeyError) as error:
        raise NotRestError(f"the response is no JSON with predictions: {error}") from None
    return [{name: _decoded(value) for name, value in row.items()} for row in predictions]


def _key(name: str) -> bytes:
    return json.dumps(name).encode() + b":"


def _value(name: str, value: Any) -> bytes:
    if isinstance(value, bytes):
        if name.endswith(BYTES_SUFFIX):
            return json.dumps({BASE64_KEY: base64.b64encode(value).decode()}).encode()
        return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    if isinstance(value, list):
        return b"[" + b",".join(_value("", each) for each in value) + b"]"
    # As many digits as a float32 has, see WriteDecimal (line 125).
    return str(np.float32(value)).encode() if isinstance(value, float) else json.dumps(value).encode()


def _decoded(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {BASE64_KEY}:
        return base64.b64decode(value[BASE64_KEY])
    return value
