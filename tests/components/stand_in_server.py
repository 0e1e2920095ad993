"""A program that stands in for TensorFlow Serving: same arguments, same protocols."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.ports import reserve_port

SERVER = """#!{python}
import base64, json, os, sys, threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, HTTPServer
import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

options = dict(argument[2:].split("=", 1) for argument in sys.argv[1:])
(version,) = os.listdir(options["model_base_path"])
model = tf.saved_model.load(options["model_base_path"] + "/" + version)

class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    def Predict(self, request, context):
        photos = tf.constant(tf.make_ndarray(request.inputs["image_bytes"]).tolist(), tf.string)
        try:
            outputs = model.signatures[request.model_spec.signature_name](image_bytes=photos)
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.{refusal}, error.message)
        response = predict_pb2.PredictResponse()
        for name, value in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value.numpy()))
        return response

class Rest(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        photos = tf.constant([base64.b64decode(one["b64"]) for one in asked["instances"]], tf.string)
        try:
            outputs = model.signatures[asked.get("signature_name", "serving_default")](image_bytes=photos)
        except tf.errors.InvalidArgumentError:
            self.send_error(400)
            return
        plain = {{name: value.numpy().tolist() for name, value in outputs.items()}}
        masks = [base64.b64encode(png).decode() for png in plain["mask_png_bytes"]]
        plain["mask_png_bytes"] = [{{"b64": mask}} for mask in masks]
        rows = [dict(zip(plain, row)) for row in zip(*plain.values())]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({{"predictions": rows}}).encode())

    def log_message(self, *_):
        pass

rest = HTTPServer(("127.0.0.1", int(options["rest_api_port"])), Rest)
threading.Thread(target=rest.serve_forever, daemon=True).start()
unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
server = grpc.server(futures.ThreadPoolExecutor(2), options=unlimited)
prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
server.add_insecure_port("unix:" + options["grpc_socket_path"])
server.start()
server.wait_for_termination()
"""


def write_program(folder: Path, refusal: str = "INVALID_ARGUMENT") -> Path:
    """Writes the program, which refuses a broken photo with a status; returns its path."""
    program = folder / "tensorflow_model_server"
    folder.mkdir()
    program.write_text(SERVER.format(python=sys.executable, refusal=refusal))
    program.chmod(0o755)
    return program


@contextlib.contextmanager
def serve(versions: Path, log: Path) -> Iterator[tuple[str, str]]:
    """Serves a folder with one version; yields the addresses for gRPC and REST."""
    socket, port = log.with_name("grpc.socket"), reserve_port()
    program = write_program(log.with_name("bin"))
    with log.open("wb") as file:
        server = subprocess.Popen(
            [
                program,
                f"--grpc_socket_path={socket}",
                f"--rest_api_port={port}",
                f"--model_base_path={versions}",
            ],
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            while not socket.exists():
                assert server.poll() is None, log.read_text()
                time.sleep(0.2)
            yield f"unix:{socket}", f"127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()
