"""Checks the model in TensorFlow Serving, where `tensorflow_model_server` is installed."""

import io
import logging
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tfx.dsl.io import fileio
from tfx.utils import io_utils

from components.serving_check.request_files import TOLERANCE, Request
from petseg.saved_model import EXTRA_FOLDER, REFERENCE_FILE

PROGRAM = "tensorflow_model_server"
NAME = "TensorFlow Serving"
MODEL_NAME = "model"
LARGEST_MESSAGE = 1 << 30

logger = logging.getLogger("petseg")


def check(
    model_dir: str, folder: Path, requests: list[Request], timeout_seconds: float
) -> list[dict[str, Any]]:
    """Serves the model with TensorFlow Serving and sends it the requests over gRPC.

    The server listens on a socket file: it is not reachable over the network and needs no free port.

    Args:
        model_dir: Folder of the SavedModel.
        folder: Has the files of the requests; the server's copy of the model and its log go there, too.
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
    socket = folder / "grpc.socket"
    command = [program, "--port=0", f"--grpc_socket_path={socket}", f"--model_name={MODEL_NAME}"]
    log = folder / "server.log"
    with log.open("wb") as log_file:
        server = subprocess.Popen(
            [*command, f"--model_base_path={folder / MODEL_NAME}"], stdout=log_file, stderr=subprocess.STDOUT
        )
        try:
            detail, passed = _send_all(server, socket, model_dir, folder, requests, timeout_seconds), True
        except (_Refused, grpc.RpcError) as error:
            detail, passed = _first_line(error), False
        finally:
            server.kill()
            server.wait()
    return [{"name": NAME, "passed": passed, "detail": detail}]


class _Refused(Exception):
    """The server did not start, or its response is wrong."""


def _send_all(
    server: subprocess.Popen[bytes],
    socket: Path,
    model_dir: str,
    folder: Path,
    requests: list[Request],
    timeout_seconds: float,
) -> str:
    deadline = time.monotonic() + timeout_seconds
    size = [
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
        ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ]
    with grpc.insecure_channel(f"unix:{socket}", options=size) as channel:
        predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        photos, reference = _reference(model_dir)
        response = _first_response(server, predict, photos, deadline)
        difference = float(np.abs(tf.make_ndarray(response.outputs["probabilities"]) - reference).max())
        if not difference <= TOLERANCE:
            raise _Refused(f"probabilities differ from the trainer's by up to {difference:.2g}")
        for request in requests:
            contents = [(folder / file).read_bytes() for file in request.files]
            _expect(predict, request, contents, deadline)
    return f"reference predictions within {difference:.1g}; {len(requests)} requests as expected"


def _reference(model_dir: str) -> tuple[list[bytes], np.ndarray]:
    with fileio.open(os.path.join(model_dir, EXTRA_FOLDER, REFERENCE_FILE), "rb") as file:
        stored = np.load(io.BytesIO(file.read()), allow_pickle=False)
    starts = np.cumsum(stored["lengths"]) - stored["lengths"]
    photos = [
        stored["bytes"][start : start + length].tobytes()
        for start, length in zip(starts, stored["lengths"], strict=True)
    ]
    return photos, stored["probabilities"]


def _first_response(
    server: subprocess.Popen[bytes], predict: Any, photos: list[bytes], deadline: float
) -> predict_pb2.PredictResponse:
    """Retries until the server has loaded the model; until then it is UNAVAILABLE or NOT_FOUND."""
    while True:
        if server.poll() is not None:
            raise _Refused(f"{PROGRAM} ended with status {server.returncode} before it loaded the model")
        try:
            return predict(_message(photos), timeout=max(deadline - time.monotonic(), 0.001))
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
    for png, expected in zip(response.outputs["mask_png"].string_val, request.sizes, strict=True):
        received = tuple(tf.io.decode_png(png).shape)
        if received != (*expected, 1):
            raise _Refused(
                f"{request.name}: mask_png has the shape {list(received)}; must have {[*expected, 1]}"
            )


def _message(photos: list[bytes]) -> predict_pb2.PredictRequest:
    message = predict_pb2.PredictRequest()
    message.model_spec.name = MODEL_NAME
    message.model_spec.signature_name = "serving_default"
    message.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(photos, dtype=tf.string))
    return message


def _first_line(error: Exception) -> str:
    text = error.details() if isinstance(error, grpc.RpcError) else str(error)
    return (text.strip().splitlines() or [type(error).__name__])[0][:300]
