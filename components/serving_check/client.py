"""A client of the exported model, which uses TensorFlow and NumPy but nothing of this project.

    python -I client.py MODEL_DIR SPEC.json RESULT.json

SPEC.json has the requests: `{"folder", "requests": [{"name", "files", "sizes", "orientations"}], "latency":
{"requests", "seconds", "limit"}, "tolerance", "slides_windows"}`; `sizes` is null where the bytes are not an
image, `orientations` where the photos have no EXIF. RESULT.json is rewritten after each step, so it has the
progress when the process crashes: `{"current", "checks": [{"name", "passed", "detail"}], "load_seconds",
"p50_seconds", "p99_seconds", "latency": {"metric", "seconds", "requests", "tries"}, "peak_memory_mb"}`.
"""

import functools
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

SIGNATURES = {
    "serving_default": {"mask_png_bytes": tf.string, "class_shares": tf.float32, "confidence": tf.float32},
    "probabilities": {"mask": tf.uint8, "probabilities": tf.float32},
}
"""Outputs of the signatures that take the bytes of photos."""

MOST_TIES = 1e-3
"""Share of the pixels that may differ where two predictions are compared by their masks."""

WARM_UP_REQUESTS = 5
"""TensorFlow prepares the graph in the first ones."""

ENOUGH_FOR_P99 = 100
"""The 99th percentile of fewer requests is their slowest one, which a single hiccup decides."""


class BrokenContract(Exception):
    """The model's output is not what its contract says."""


class Result:
    """The results so far, in a file that outlives the process."""

    def __init__(self, path: Path):
        self._path = path
        self.content: dict[str, Any] = {"current": None, "checks": []}

    def check(self, name: str, run: Callable[[], str]) -> bool:
        """Runs a check, records its outcome, and returns whether the model passed."""
        self.content["current"] = name
        self.save()
        try:
            passed, detail = True, run()
        except (BrokenContract, tf.errors.OpError, ValueError, TypeError, KeyError, OSError) as error:
            kind = "" if isinstance(error, BrokenContract) else f"{type(error).__name__}: "
            passed, detail = False, kind + (str(error).strip().splitlines() or [""])[0][:300]
        self.content["checks"].append({"name": name, "passed": passed, "detail": detail})
        self.content["current"] = None
        self.save()
        return passed

    def save(self) -> None:
        """Writes the file atomically."""
        self.content["peak_memory_mb"] = peak_memory_mb()
        unfinished = self._path.with_suffix(".part")
        unfinished.write_text(json.dumps(self.content))
        os.replace(unfinished, self._path)


class Client:
    """Loads a model and sends it requests.

    Args:
        model_dir: Folder of the SavedModel.
        spec: The requests.
        result: Where outcomes are recorded.
    """

    def __init__(self, model_dir: str, spec: dict[str, Any], result: Result):
        self._model_dir, self._spec, self._result = model_dir, spec, result
        self._tolerance: float = spec["tolerance"]
        self._slides_windows: bool = spec["slides_windows"]
        self._values: list[int] = []

    def run(self) -> None:
        """Runs all checks; stops early only where no further check is possible."""
        check = self._result.check
        if not check("load", self._load):
            return
        for name in ("serving_default",) if self._slides_windows else SIGNATURES:
            if not check(f"signature {name}", functools.partial(self._signature, name)):
                return
        check("reference predictions", self._reference)
        if not self._values:
            return
        for request in self._spec["requests"]:
            check(request["name"], functools.partial(self._send, request))
        check("latency", self._latency)

    def _load(self) -> str:
        start = time.perf_counter()
        # The caller keeps the model: signatures hold no reference to its variables.
        self._model = tf.saved_model.load(self._model_dir)
        seconds = time.perf_counter() - start
        self._result.content["load_seconds"] = seconds
        return f"{seconds:.1f} s"

    def _signature(self, name: str) -> str:
        if name not in self._model.signatures:
            raise BrokenContract(f"the model has the signatures {sorted(self._model.signatures)}")
        signature = self._model.signatures[name]
        inputs = signature.structured_input_signature[1]
        if {key: spec.dtype for key, spec in inputs.items()} != {"image_bytes": tf.string}:
            raise BrokenContract(f"takes {_dtypes(inputs)}; must take image_bytes: string")
        outputs = signature.structured_outputs
        if {key: spec.dtype for key, spec in outputs.items()} != SIGNATURES[name]:
            raise BrokenContract(f"returns {_dtypes(outputs)}; must return {SIGNATURES[name]}")
        return f"image_bytes -> {', '.join(SIGNATURES[name])}"

    def _reference(self) -> str:
        extra = f"{self._model_dir}/assets.extra"
        with tf.io.gfile.GFile(f"{extra}/classes.json") as file:
            self._values = [entry["value"] for entry in json.loads(file.read())]
        with tf.io.gfile.GFile(f"{extra}/reference.npz", "rb") as file, np.load(file) as stored:
            reference = dict(stored)
        ends = np.cumsum(reference["lengths"])
        photos = [
            reference["bytes"][end - length : end].tobytes()
            for end, length in zip(ends, reference["lengths"], strict=True)
        ]
        if self._slides_windows:
            name = "native_mask"
            within = self._check_same(
                self._compared(photos), reference[name], f"{name} differ from the trainer's"
            )
        else:
            name = "probabilities"
            within = max(self._same_probabilities(reference, *numbered) for numbered in enumerate(photos))
        confidence = self._predict(photos)["confidence"]
        self._check_same(confidence, reference["confidence"], "confidence differs from the trainer's")
        return f"{len(photos)} photos, {name} within {within:.1g}"

    def _same_probabilities(self, reference: dict[str, np.ndarray], index: int, photo: bytes) -> float:
        """Compares a photo's probabilities and mask with the trainer's; returns the largest difference."""
        outputs = self._predict_probabilities([photo])
        probabilities = received = outputs["probabilities"][0]
        if "pixels" in reference:
            received = received.reshape(-1, received.shape[-1])[reference["pixels"]]
        within = self._check_same(
            received, reference["probabilities"][index], "probabilities differ from the trainer's"
        )
        # Two classes closer than the tolerance are a tie, which another processor may decide differently.
        clear = _margin(probabilities) > 2 * self._tolerance
        if wrong := int(np.sum((outputs["mask"][0] != reference["mask"][index]) & clear)):
            raise BrokenContract(f"masks differ from the trainer's at {wrong} of {clear.size} pixels")
        return within

    def _compared(self, photos: list[bytes]) -> np.ndarray:
        """What predictions are compared by: probabilities, or masks of a model that slides windows."""
        if not self._slides_windows:
            return self._predict_probabilities(photos)["probabilities"]
        pngs = self._predict(photos)["mask_png_bytes"]
        return np.stack([tf.io.decode_png(png)[..., 0].numpy() for png in pngs])

    def _check_same(self, one: np.ndarray, other: np.ndarray, complaint: str) -> float:
        """Compares probabilities by their largest difference, and masks by the share of other pixels."""
        if one.dtype == np.uint8:
            by, limit = float(np.mean(one != other)), MOST_TIES
        else:
            by, limit = float(np.abs(one - other).max()), self._tolerance
        if not by <= limit:
            raise BrokenContract(f"{complaint} by {by:.2g}, more than {limit:g}")
        return by

    def _send(self, request: dict[str, Any]) -> str:
        photos = [(Path(self._spec["folder"]) / file).read_bytes() for file in request["files"]]
        if request["sizes"] is None:
            return self._rejects(photos)
        outputs = self._predict(photos)
        for index, size in enumerate(request["sizes"]):
            self._check_mask(outputs["mask_png_bytes"][index], size, outputs["class_shares"][index])
        self._check_upright(photos, request["orientations"] or [])
        if len(photos) == 1:
            self._store(request["files"][0], outputs)
        return f"{len(photos)} photos predicted" if len(photos) > 1 else "predicted"

    def _store(self, file: str, outputs: dict[str, np.ndarray]) -> None:
        """Stores the outputs of one photo beside its file, for the check of REST."""
        mask = np.frombuffer(outputs["mask_png_bytes"][0], np.uint8)
        np.savez(Path(self._spec["folder"]) / f"{file}.npz", **(outputs | {"mask_png_bytes": mask}))

    def _rejects(self, photos: list[bytes]) -> str:
        """Broken bytes must raise an InvalidArgumentError, and the next request must succeed."""
        try:
            self._predict(photos)
        except tf.errors.InvalidArgumentError:
            self._send(self._spec["requests"][0])
            return "InvalidArgumentError; the next request succeeds"
        raise BrokenContract("predicted instead of raising an InvalidArgumentError")

    def _predict(self, photos: list[bytes]) -> dict[str, np.ndarray]:
        outputs = self._call("serving_default", photos)
        count, classes = len(photos), len(self._values)
        shapes = {"mask_png_bytes": (count,), "class_shares": (count, classes), "confidence": (count,)}
        for name, shape in shapes.items():
            if outputs[name].shape != shape:
                raise BrokenContract(
                    f"{name} has the shape {list(outputs[name].shape)}; must have {list(shape)}"
                )
        received = outputs["confidence"].tolist()
        if not 1 / classes - 1e-3 <= min(received) <= max(received) <= 1 + 1e-3:
            raise BrokenContract(f"confidence must be between 1/{classes} and 1; received {received}")
        return outputs

    def _predict_probabilities(self, photos: list[bytes]) -> dict[str, np.ndarray]:
        outputs = self._call("probabilities", photos)
        probabilities = outputs["probabilities"]
        if probabilities.shape != (*outputs["mask"].shape, len(self._values)):
            raise BrokenContract(
                f"probabilities have the shape {list(probabilities.shape)}; must have "
                f"{[*outputs['mask'].shape, len(self._values)]}"
            )
        if not np.allclose(probabilities.sum(axis=-1), 1, atol=1e-3):
            raise BrokenContract("probabilities do not add up to 1")
        largest = probabilities.argmax(axis=-1)
        if np.any((outputs["mask"] != largest) & (_margin(probabilities) > 2 * self._tolerance)):
            raise BrokenContract("mask is not the most probable class")
        return outputs

    def _call(self, signature: str, photos: list[bytes]) -> dict[str, np.ndarray]:
        outputs = self._model.signatures[signature](image_bytes=tf.constant(photos))
        return {name: value.numpy() for name, value in outputs.items()}

    def _check_mask(self, png: bytes, size: list[int], shares: np.ndarray) -> None:
        mask = tf.io.decode_png(png, channels=0).numpy()
        if mask.shape != (*size, 1):
            raise BrokenContract(f"mask_png_bytes has the shape {list(mask.shape)}; must have {[*size, 1]}")
        counts = np.bincount(mask.ravel(), minlength=256)
        foreign = sorted(set(np.flatnonzero(counts)) - set(self._values))
        if foreign:
            raise BrokenContract(f"mask_png_bytes contains {foreign[0]}, which is the value of no class")
        if not np.allclose(counts[self._values] / mask.size, shares, atol=1e-3):
            raise BrokenContract("class_shares are not the shares of the pixels in mask_png_bytes")

    def _check_upright(self, photos: list[bytes], orientations: list[int]) -> None:
        """The prediction for a JPEG with EXIF must equal that for the same pixels, turned by the client."""
        for photo, orientation in zip(photos, orientations, strict=False):
            # decode_jpeg ignores EXIF, and PNG keeps every pixel.
            stored = tf.io.decode_jpeg(photo, channels=3, dct_method="INTEGER_ACCURATE").numpy()
            upright = _upright(stored, orientation)
            one, other = self._compared([photo, tf.io.encode_png(upright).numpy()])
            complaint = (
                f"a photo with EXIF orientation {orientation} is not predicted upright: its prediction"
            )
            self._check_same(one, other, f"{complaint} differs from that of the upright photo")

    def _latency(self) -> str:
        """Measures once more if the first result is above the limit, and keeps the better one."""
        photo = (Path(self._spec["folder"]) / self._spec["requests"][0]["files"][0]).read_bytes()
        for _ in range(WARM_UP_REQUESTS):
            self._predict([photo])
        tries = [self._seconds_of_requests(photo)]
        if _gated(tries[0])[1] > self._spec["latency"]["limit"]:
            tries.append(self._seconds_of_requests(photo))
        best = min(tries, key=lambda seconds: _gated(seconds)[1])
        metric, gated = _gated(best)
        p50, p99 = (float(np.percentile(best, percent)) for percent in (50, 99))
        latency = {"metric": metric, "seconds": gated, "requests": len(best), "tries": len(tries)}
        self._result.content.update(p50_seconds=p50, p99_seconds=p99, latency=latency)
        return f"p50 {p50:.3f} s, p99 {p99:.3f} s of {len(best)} requests"

    def _seconds_of_requests(self, photo: bytes) -> list[float]:
        """Seconds of each request, until there are enough of them or their time is over."""
        plan = self._spec["latency"]
        seconds: list[float] = []
        while len(seconds) < plan["requests"] and sum(seconds) < plan["seconds"]:
            start = time.perf_counter()
            self._predict([photo])
            seconds.append(time.perf_counter() - start)
        return seconds


def peak_memory_mb() -> float:
    """Peak of this process' resident memory in MB (2^20 bytes).

    On Linux, getrusage also counts the process that started this one; VmHWM does not.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _gated(seconds: list[float]) -> tuple[str, float]:
    """What is compared with the limit: the 99th percentile, or of too few requests the median."""
    metric, percent = ("p99", 99) if len(seconds) >= ENOUGH_FOR_P99 else ("median", 50)
    return metric, float(np.percentile(seconds, percent))


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turns the stored pixels [h, w, channels] upright, as EXIF says."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    rows = slice(None, None, -1 if orientation in (3, 4, 7, 8) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3, 6, 7) else 1)
    return pixels[rows, columns]


def _margin(probabilities: np.ndarray) -> np.ndarray:
    """Probability of the most probable class minus that of the next: [..., classes] to [...]."""
    second, first = np.moveaxis(np.partition(probabilities, -2, axis=-1)[..., -2:], -1, 0)
    return first - second


def _dtypes(specs: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {spec.dtype.name}" for name, spec in sorted(specs.items()))


if __name__ == "__main__":
    _model_dir, _spec, _result = sys.argv[1:]
    Client(_model_dir, json.loads(Path(_spec).read_text()), Result(Path(_result))).run()
