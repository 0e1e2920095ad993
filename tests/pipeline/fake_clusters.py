"""Servers on loopback that speak the HTTP APIs of Kubeflow Pipelines, Vertex AI and Google's sign-in."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.auth import exceptions, jwt

TOKEN = "token-of-the-tests"

Answer = tuple[int, dict[str, Any]]
"""Status and JSON."""


@dataclass
class FakeServer:
    """A server that is asked over real connections.

    Attributes:
        received: Method, path and JSON of all requests that were let in.
        refuses: Status by the path whose requests are refused with it.
        address: `http://127.0.0.1:port`.
    """

    received: list[tuple[str, str, dict]] = field(default_factory=list)
    refuses: dict[str, int] = field(default_factory=dict)
    address: str = ""

    def answer(self, method: str, path: str, query: dict, body: dict) -> Answer:
        """What the real server answers to a request that is let in."""
        raise NotImplementedError

    def refusal(self, status: int, message: str) -> dict[str, Any]:
        """The real server's JSON for an error."""
        raise NotImplementedError

    @contextmanager
    def serving(self) -> Iterator["FakeServer"]:
        """Serves on a free port of loopback."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                url = urlsplit(self.path)
                sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                is_json = "json" in self.headers.get("Content-Type", "")
                body = json.loads(sent) if sent and is_json else parse_qs(sent)
                status, answer = fake.let_in(self.headers.get("Authorization", ""), url.path)
                if status == 200:
                    fake.received.append((self.command, url.path, body))
                    status, answer = fake.answer(self.command, url.path, parse_qs(url.query), body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = handle_any

            def log_message(self, *_: Any) -> None:
                """Says nothing on stderr."""

        return Handler

    def let_in(self, authorization: str, path: str) -> Answer:
        """200, or what a request is turned away with."""
        if path in self.refuses:
            status = self.refuses[path]
            return status, self.refusal(status, f"refused on {path}")
        if not self.knows(authorization.removeprefix("Bearer "), path):
            return 401, self.refusal(401, "Request not authenticated")
        return 200, {}

    def knows(self, token: str, path: str) -> bool:
        """Whether a request with that token is somebody's."""
        return token == TOKEN


@dataclass
class FakeKubeflow(FakeServer):
    """The v2beta1 API of Kubeflow Pipelines, as far as runs and recurring runs need it.

    Attributes:
        multi_user: Whether it serves several users.
        recurring: Recurring runs by id.
    """

    multi_user: bool = False
    recurring: dict[str, dict] = field(default_factory=dict)

    def answer(self, method: str, path: str, query: dict, body: dict) -> Answer:
        place = path.removeprefix("/apis/v2beta1/")
        if (method, place) == ("GET", "healthz"):
            return 200, {"multi_user": self.multi_user}
        if (method, place) == ("GET", "experiments"):
            return 200, {}
        if (method, place) == ("POST", "experiments"):
            return 200, {**body, "experiment_id": "e-1"}
        if (method, place) == ("POST", "runs"):
            return 200, {**body, "run_id": "r-1"}
        if place.startswith("recurringruns"):
            return self._recurring_run(method, place.removeprefix("recurringruns").strip("/"), query, body)
        return 404, self.refusal(404, "no such method")

    def _recurring_run(self, method: str, place: str, query: dict, body: dict) -> Answer:
        run_id, _, verb = place.partition(":")
        if method == "POST" and not run_id:
            made = f"rr-{len(self.recurring) + 1}"
            status = {"ENABLE": "ENABLED", "DISABLE": "DISABLED"}[body["mode"]]
            self.recurring[made] = {**body, "recurring_run_id": made, "status": status}
            return 200, self.recurring[made]
        if method == "GET" and not run_id:
            # Pages of one, so that clients must ask for the next.
            first = int(query.get("page_token", ["0"])[0])
            listed = list(self.recurring.values())
            page = {"recurringRuns": listed[first : first + 1]}
            return 200, page | ({"next_page_token": str(first + 1)} if first + 1 < len(listed) else {})
        if run_id not in self.recurring:
            return 404, self.refusal(404, "no such recurring run")
        if method == "DELETE":
            del self.recurring[run_id]
        else:
            self.recurring[run_id]["status"] = {"enable": "ENABLED", "disable": "DISABLED"}[verb]
        return 200, {}

    def refusal(self, status: int, message: str) -> dict[str, Any]:
        return {"error": message, "code": 7, "message": message, "details": []}


@dataclass
class FakeVertex(FakeServer):
    """Google's sign-in and Vertex AI's v1 REST API, as far as runs and schedules need them.

    Attributes:
        public_key: PEM of the one service account that there is.
        schedules: By resource name.
    """

    public_key: bytes = b""
    schedules: dict[str, dict] = field(default_factory=dict)

    def knows(self, token: str, path: str) -> bool:
        """Whether a request is the sign-in, or carries what the sign-in gave or the account itself signed."""
        return path == "/token" or token == TOKEN or self._is_signed(token)

    def _is_signed(self, token: str) -> bool:
        try:
            jwt.decode(token, certs=self.public_key)
        except (ValueError, exceptions.GoogleAuthError):
            return False
        return True

    def answer(self, method: str, path: str, query: dict, body: dict) -> Answer:
        if path == "/token":
            if body.get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
                return 400, {"error": "unsupported_grant_type"}
            if not self._is_signed(body["assertion"][0]):
                return 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            return 200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
        if method == "POST" and path.endswith("/pipelineJobs"):
            return 200, {"name": f"{path.removeprefix('/v1/')}/petseg-20260102030405"}
        if "/schedules" in path:
            return self._schedule(method, path.removeprefix("/v1/"), body)
        return 404, self.refusal(404, "no such method")

    def _schedule(self, method: str, path: str, body: dict) -> Answer:
        if method == "POST" and path.endswith("/schedules"):
            name = f"{path}/{len(self.schedules) + 1}"
            self.schedules[name] = {**body, "name": name, "state": "ACTIVE"}
            return 200, self.schedules[name]
        if method == "GET":
            return 200, {"schedules": list(self.schedules.values())}
        name, _, verb = path.partition(":")
        if name not in self.schedules:
            return 404, self.refusal(404, "no such schedule")
        if method == "DELETE":
            del self.schedules[name]
            return 200, {"name": f"{name}/operations/1", "done": True}
        self.schedules[name]["state"] = {"pause": "PAUSED", "resume": "ACTIVE"}[verb]
        return 200, {}

    def refusal(self, status: int, message: str) -> dict[str, Any]:
        return {"error": {"code": status, "message": message, "status": "REFUSED"}}
