"""What Kubeflow Pipelines' driver and launcher ask of a cluster, on loopback.

ML Metadata over gRPC, on the store of the package ml-metadata; the API server's TaskService, which is the
cache; and of Kubernetes' API, over TLS, a config map, a secret, and pods. The object store is moto's.
"""

import base64
import contextlib
import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from ml_metadata import errors
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2, metadata_store_service_pb2

from tests.object_stores import KEYS
from tests.ports import LOOPBACK

METADATA = metadata_store_service_pb2.DESCRIPTOR.services_by_name["MetadataStoreService"]
STATUS_CODES = {code.value[0]: code for code in grpc.StatusCode}

TASK_FIELDS = {
    "Task": {"id": 1, "namespace": 2, "pipelineName": 3, "runId": 4, "mlmdExecutionID": 5, "fingerprint": 8},
    "CreateTaskRequest": {"task": 1},
    "ListTasksRequest": {"filter": 5},
    "ListTasksResponse": {"tasks": 1},
}
"""Fields of kubeflow/pipelines, backend/api/v1beta1/task.proto, that driver and launcher use."""

SECRET = "mlpipeline-minio-artifact"


@dataclass
class Services:
    """Where the services are.

    Attributes:
        metadata_port: Of ML Metadata.
        tasks_port: Of the cache.
        kubernetes_port: Of Kubernetes' API.
        service_account: Folder with the token, namespace and certificate that each pod gets.
        asked: Paths that Kubernetes' API was asked for.
    """

    metadata_port: int
    tasks_port: int
    kubernetes_port: int
    service_account: Path
    asked: list[str] = field(default_factory=list)


@contextlib.contextmanager
def kfp_services(folder: Path, object_store: str) -> Iterator[Services]:
    """Runs the services.

    Args:
        folder: For the metadata and the service account's files.
        object_store: URL of the S3 server.
    """
    account = folder / "serviceaccount"
    _write_service_account(account)
    asked: list[str] = []
    with (
        _grpc_server(METADATA.full_name, _metadata_methods(folder / "metadata.sqlite")) as metadata_port,
        _grpc_server("api.TaskService", _task_methods()) as tasks_port,
        _kubernetes(account, _objects(object_store), asked) as kubernetes_port,
    ):
        yield Services(metadata_port, tasks_port, kubernetes_port, account, asked)


Methods = dict[str, tuple[Callable[[Any, grpc.ServicerContext], Any], Any, Any]]
"""Function, request class and response class of each method."""


@contextlib.contextmanager
def _grpc_server(service: str, methods: Methods) -> Iterator[int]:
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(4), options=unlimited)
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            function, request_deserializer=request.FromString, response_serializer=response.SerializeToString
        )
        for name, (function, request, response) in methods.items()
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])
    port = server.add_insecure_port(f"{LOOPBACK}:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def _metadata_methods(database: Path) -> Methods:
    """Each request goes as it is to the C++ store below the Python package."""
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(database)
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    store, lock = metadata_store.MetadataStore(config), threading.Lock()

    def function(name: str, response_class: Any) -> Callable[[Any, grpc.ServicerContext], Any]:
        def respond(request: Any, context: grpc.ServicerContext) -> Any:
            response = response_class()
            try:
                with lock:
                    store._call_method(name, request, response)
            except errors.StatusError as error:
                context.abort(STATUS_CODES[error.error_code], error.message)
            return response

        return respond

    classes = {
        method.name: (_class(method.input_type), _class(method.output_type)) for method in METADATA.methods
    }
    return {
        name: (function(name, response), request, response) for name, (request, response) in classes.items()
    }


def _task_methods() -> Methods:
    messages, tasks = _task_messages(), []

    def create(request: Any, context: grpc.ServicerContext) -> Any:
        tasks.append(request.task)
        return request.task

    def find(request: Any, context: grpc.ServicerContext) -> Any:
        asked = {each["key"]: each["stringValue"] for each in json.loads(request.filter)["predicates"]}
        equal = [task for task in tasks if all(getattr(task, key) == value for key, value in asked.items())]
        return messages["ListTasksResponse"](tasks=equal[-1:])

    return {
        "CreateTaskV1": (create, messages["CreateTaskRequest"], messages["Task"]),
        "ListTasksV1": (find, messages["ListTasksRequest"], messages["ListTasksResponse"]),
    }


def _task_messages() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="kfp_task.proto", package="api", syntax="proto3")
    for name, numbers in TASK_FIELDS.items():
        message = file.message_type.add(name=name)
        for key, number in numbers.items():
            added = message.field.add(
                name=key, number=number, type=descriptor_pb2.FieldDescriptorProto.TYPE_STRING
            )
            added.label = added.LABEL_REPEATED if key == "tasks" else added.LABEL_OPTIONAL
            if key in ("task", "tasks"):
                added.type, added.type_name = added.TYPE_MESSAGE, ".api.Task"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: _class(pool.FindMessageTypeByName(f"api.{name}")) for name in TASK_FIELDS}


def _class(descriptor: Any) -> Any:
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(descriptor.file.pool).GetPrototype(descriptor)


def _write_service_account(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "token").write_text("token")
    (folder / "namespace").write_text("kubeflow")
    address = f"subjectAltName=IP:{LOOPBACK}"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=kubernetes",
         "-addext", address, "-keyout", folder / "key.pem", "-out", folder / "ca.crt"],
        check=True, capture_output=True,
    )  # fmt: skip


def _objects(object_store: str) -> dict[str, dict[str, Any]]:
    """The config map of the stores and the secret with their keys, as Kubeflow installs them."""
    provider = {
        "default": {
            "endpoint": urlsplit(object_store).netloc,
            "disableSSL": True,
            "region": KEYS["AWS_DEFAULT_REGION"],
            "credentials": {
                "fromEnv": False,
                "secretRef": {"secretName": SECRET, "accessKeyKey": "accesskey", "secretKeyKey": "secretkey"},
            },
        }
    }
    keys = {"accesskey": KEYS["AWS_ACCESS_KEY_ID"], "secretkey": KEYS["AWS_SECRET_ACCESS_KEY"]}
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in keys.items()}
    providers = json.dumps({"minio": provider, "s3": provider})
    return {
        "configmaps/kfp-launcher": {"kind": "ConfigMap", "data": {"providers": providers}},
        f"secrets/{SECRET}": {"kind": "Secret", "data": encoded},
    }


@contextlib.contextmanager
def _kubernetes(account: Path, objects: dict[str, dict[str, Any]], asked: list[str]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            kind, _, name = (
                self.path.split("?")[0].removeprefix("/api/v1/namespaces/kubeflow/").partition("/")
            )
            found = objects.get(f"{kind}/{name}")
            if kind == "pods":
                found = {"kind": "Pod", "metadata": {"name": name, "annotations": {}}}
            status = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
            body = json.dumps({"apiVersion": "v1", **(found or status)}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Writes nothing on the test's screen."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(account / "ca.crt", account / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
