"""Checks the model in TensorFlow Serving over gRPC and REST, where `tensorflow_model_server` is installed."""

import io
import logging
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tfx.dsl.io import fileio
from tfx.utils import io_utils

from components.serving_check.request_files import TOLERANCE, Request
from components.serving_check.rest_check import read_outputs
from components.serving_check.rest_json import NotRestError, read_response, request_json
from petseg.saved_model import EXTRA_FOLDER, REFERENCE_FILE

PROGRAM = "tensorflow_model_server"
NAME = "TensorFlow Serving"
MODEL_NAME = "model"
LARGEST_MESSAGE = 1 << 30
HTTP_BAD_REQUEST = 400

logger = logging.getLogger("petseg")


def check(
    model_dir: str, folder: Path, requests: list[Request], timeout_seconds: float
) -> list[dict[str, Any]]:
    """Serves the model with TensorFlow Serving and sends it the requests over gRPC, then over REST.

    For gRPC the server listens on a socket file. For REST it knows ports only, and no address to listen on:
    while the check runs, others on the network can ask the model, too.

    Args:
        model_dir: Folder of the SavedModel.
        folder: Has the files of the requests, and what the client received for them; the server's copy of
            the model and its log go there, too.
        requests: The requests.
        timeout_seconds: Time limit of all requests together.

    Returns:
        The checks: `{"name", "passed", "detail"}`; empty if there is no server on PATH.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        logger.info("serving check: no %s on PATH, checked in TensorFlow only", PROGRAM)
        return []
    io_utils.copy_dir(model_dir, str(folder / MODEL_NAME / "1"))
    socket_file, rest_port = folder / "grpc.socket", _free_port()
    command = [
        *(program, "--port=0", f"--grpc_socket_path={socket_file}", f"--rest_api_port={rest_port}"),
        f"--model_name={MODEL_NAME}",
    ]
    log = folder / "server.log"
    with log.open("wb") as log_file:
        server = subprocess.Popen(
            [*command, f"--model_base_path={folder / MODEL_NAME}"], stdout=log_file, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + timeout_seconds
            checks = [
                _outcome(NAME, lambda: _send_all(server, socket_file, model_dir, folder, requests, deadline))
            ]
            if checks[0]["passed"]:
                checks.append(
                    _outcome(f"{NAME}, REST", lambda: _send_rest(rest_port, folder, requests, deadline))
                )
        finally:
            server.kill()
            server.wait()
    return checks


def _outcome(name: str, run: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"name": name, "passed": True, "detail": run()}
    except (_Refused, NotRestError, grpc.RpcError, OSError) as error:
        return {"name": name, "passed": False, "detail": _first_line(error)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _send_rest(port: int, folder: Path, requests: list[Request], deadline: float) -> str:
    """Sends the requests of one photo; each response must be what the client received."""
    address = f"http://127.0.0.1:{port}/v1/models/{MODEL_NAME}:predict"
    for request in requests:
        if len(request.files) > 1:
            continue
        photo = folder / request.files[0]
        body = request_json([photo.read_bytes()], "serving_default")
        sent = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(sent, timeout=max(deadline - time.monotonic(), 0.001)) as response:
                content = response.read()
        except urllib.error.HTTPError as error:
            if request.sizes is None and error.code == HTTP_BAD_REQUEST:
                continue
            raise _Refused(f"{request.name}: status {error.code}") from error
        if request.sizes is None:
            raise _Refused(f"{request.name}: predicted instead of status {HTTP_BAD_REQUEST}")
        (received,) = read_response(content)
        if received.get("mask_png_bytes") != read_outputs(photo)["mask_png_bytes"][0]:
            raise _Refused(f"{request.name}: mask_png_bytes is not what TensorFlow predicts")
    return f"{sum(len(request.files) == 1 for request in requests)} requests as expected"


class _Refused(Exception):
    """The server did not start, or its response is wrong."""


def _send_all(
    server: subprocess.Popen[bytes],
    socket_file: Path,
    model_dir: str,
    folder: Path,
    requests: list[Request],
    deadline: float,
) -> str:
    size = [
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
        ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ]
    with grpc.insecure_channel(f"unix:{socket_file}", options=size) as channel:
        predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        photos, name, reference = _reference(model_dir)
        signature = "probabilities" if name == "probabilities" else "serving_default"
        response = _first_response(server, predict, _message(photos, signature), deadline)
        difference = float(np.abs(tf.make_ndarray(response.outputs[name]) - reference).max())
        if not difference <= TOLERANCE:
            raise _Refused(f"{name} differ from the trainer's by up to {difference:.2g}")
        for request in requests:
            contents = [(folder / file).read_bytes() for file in request.files]
            _expect(predict, request, contents, deadline)
    return f"reference predictions within {difference:.1g}; {len(requests)} requests as expected"


def _reference(model_dir: str) -> tuple[list[bytes], str, np.ndarray]:
    """Photos, an output of the model, and its values for them: probabilities where the model has them."""
    with fileio.open(os.path.join(model_dir, EXTRA_FOLDER, REFERENCE_FILE), "rb") as file:
        stored = np.load(io.BytesIO(file.read()), allow_pickle=False)
    starts = np.cumsum(stored["lengths"]) - stored["lengths"]
    photos = [
        stored["bytes"][start : start + length].tobytes()
        for start, length in zip(starts, stored["lengths"], strict=True)
    ]
    name = "probabilities" if "probabilities" in stored else "confidence"
    return photos, name, stored[name]


def _first_response(
    server: subprocess.Popen[bytes], predict: Any, message: predict_pb2.PredictRequest, deadline: float
) -> predict_pb2.PredictResponse:
    """Retries until the server has loaded the model; until then it is UNAVAILABLE or NOT_FOUND."""
    while True:
        if server.poll() is not None:
            raise _Refused(f"{PROGRAM} ended with status {server.returncode} before it loaded the model")
        try:
            return predict(message, timeout=max(deadline - time.monotonic(), 0.001))
        except grpc.RpcError as error:
            loading = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.NOT_FOUND)
            if not loading or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def _expect(predict: Any, request: Request, contents: list[bytes], deadline: float) -> None:
    try:
        response = predict(_message(contents), timeout=max(deadline - time.monotonic(), 0.001))
    except grpc.RpcError as error:
        if request.sizes is None and error.code() == grpc.StatusCode.INVALID_ARGUMENT:
            return
        raise _Refused(f"{request.name}: {error.code().name}") from error
    if request.sizes is None:
        raise _Refused(f"{request.name}: predicted instead of INVALID_ARGUMENT")
    for png, expected in zip(response.outputs["mask_png_bytes"].string_val, request.sizes, strict=True):
        received = tuple(tf.io.decode_png(png).shape)
        if received != (*expected, 1):
            raise _Refused(
                f"{request.name}: mask_png_bytes has the shape {list(received)}; must have {[*expected, 1]}"
            )


def _message(photos: list[bytes], signature: str = "serving_default") -> predict_pb2.PredictRequest:
    message = predict_pb2.PredictRequest()
    message.model_spec.name = MODEL_NAME
    message.model_spec.signature_name = signature
    message.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(photos, dtype=tf.string))
    return message


def _first_line(error: Exception) -> str:
    text = error.details() if isinstance(error, grpc.RpcError) else str(error)
    return (text.strip().splitlines() or [type(error).__name__])[0][:300]
