"""Who is told of a failed run, and what happens when the telling fails."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from petseg.errors import UserError
from pipeline.schedule.failure_hook import notify_of_failure
from pipeline.schedule.settings import ScheduleSettings
from pipeline.settings import load_settings

FAILURE = {"schedule": "weekly", "kind": "failed", "status": 1}


@pytest.fixture
def webhook(monkeypatch):
    """A server that answers with the statuses in `answers`, then 200; it keeps what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.received.append((self.path, json.loads(body)))
            self.send_response(server.answers.pop(0) if server.answers else 200)
            self.end_headers()

        def log_message(self, *_):
            """Says nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.received, server.answers = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PETSEG_WEBHOOK", f"http://127.0.0.1:{server.server_port}/s3cret")
    yield server
    server.shutdown()
    server.server_close()


POSTED = ScheduleSettings(on_failure_webhook="PETSEG_WEBHOOK")


def test_the_webhook_gets_the_json(webhook):
    assert notify_of_failure(POSTED, FAILURE) == []
    assert webhook.received == [("/s3cret", FAILURE)]


def test_a_server_that_stumbles_is_asked_again(webhook):
    webhook.answers = [503, 429]
    assert notify_of_failure(POSTED, FAILURE) == []
    assert len(webhook.received) == 3


def test_a_refusal_is_not_asked_again_and_the_url_is_not_told(webhook):
    webhook.answers = [403]
    (problem,) = notify_of_failure(POSTED, FAILURE)
    assert "the server of PETSEG_WEBHOOK answered 403" in problem
    assert len(webhook.received) == 1
    assert "s3cret" not in problem
    assert "127.0.0.1" not in problem


def test_a_server_that_is_not_there_is_a_problem_without_the_url(monkeypatch):
    monkeypatch.setenv("PETSEG_WEBHOOK", "http://127.0.0.1:9/s3cret")
    (problem,) = notify_of_failure(POSTED, FAILURE)
    assert "cannot reach the server of PETSEG_WEBHOOK" in problem
    assert "s3cret" not in problem
    monkeypatch.delenv("PETSEG_WEBHOOK")
    (problem,) = notify_of_failure(POSTED, FAILURE)
    assert "PETSEG_WEBHOOK is not set" in problem


def test_the_command_gets_the_json_on_stdin(tmp_path):
    file = tmp_path / "told.json"
    copy = f"{sys.executable} {Path(__file__).parent / 'keep_stdin.py'} {file}"
    assert notify_of_failure(ScheduleSettings(on_failure_command=copy), FAILURE) == []
    assert json.loads(file.read_text()) == FAILURE


@pytest.mark.parametrize("command", ["false", "/no/such/command", "'unclosed"])
def test_a_command_that_fails_is_a_problem(command):
    (problem,) = notify_of_failure(ScheduleSettings(on_failure_command=command), FAILURE)
    assert "on_failure_command" in problem


def test_a_url_in_the_settings_is_refused_and_not_repeated():
    with pytest.raises(UserError, match="name of an environment variable") as error:
        load_settings(None, ["schedule.on_failure_webhook=https://hooks.example.com/s3cret"])
    assert "s3cret" not in str(error.value)
