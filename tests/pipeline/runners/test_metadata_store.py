"""ML Metadata on real database servers; what cannot be used is one line without the password."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import TINY, petseg
from tests.database_servers import PASSWORD, QUOTED_PASSWORD, mariadb, postgresql
from tests.ports import unanswered_port

VARIABLE = "PETSEG_METADATA_URL"
BY_VARIABLE = ["--set", f"metadata.url_variable={VARIABLE}"]
SERVERS = {"postgresql": postgresql, "mariadb": mariadb}


@pytest.fixture(scope="module", params=SERVERS)
def server(request):
    """URL of a running server."""
    with SERVERS[request.param]() as url:
        yield url


def one_line(done, *words) -> None:
    shown = done.stdout + done.stderr
    assert done.status == 2, shown
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
    assert PASSWORD not in shown
    assert QUOTED_PASSWORD not in shown


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, f"environment variable {VARIABLE} is not set; set it to mysql://"),
        (f"oracle://petseg:{QUOTED_PASSWORD}@host/db", "it is something else"),
        (f"mysql://petseg:{QUOTED_PASSWORD}@host", "it is something else"),
        (f"mysql://petseg:{QUOTED_PASSWORD}@host:port/db", "it is something else"),
        (
            f"postgresql://petseg:{QUOTED_PASSWORD}@host/db?sslmod=on",
            "sslmod is not a parameter of postgresql://",
        ),
    ],
)
def test_a_variable_that_holds_no_url_is_one_line(sample, tmp_path, value, words):
    environment = {} if value is None else {VARIABLE: value}
    done = petseg("run", "--data", sample, "--output", tmp_path / "out", *BY_VARIABLE, **environment)
    one_line(done, words)
    assert not (tmp_path / "out").exists()


def test_a_url_in_the_settings_is_refused_and_not_repeated():
    done = petseg("settings", "--set", f"metadata.url_variable=mysql://petseg:{PASSWORD}@host/db")
    one_line(done, "metadata.url_variable: must be the name of an environment variable")


@pytest.mark.parametrize("scheme", ["mysql", "postgresql"])
def test_a_server_that_is_not_there_is_one_line(sample, tmp_path, scheme):
    with unanswered_port() as port:
        url = f"{scheme}://petseg:{QUOTED_PASSWORD}@127.0.0.1:{port}/db"
        done = petseg("run", "--data", sample, "--output", tmp_path / "out", *BY_VARIABLE, **{VARIABLE: url})
    one_line(done, VARIABLE, f"cannot use the {scheme} server 127.0.0.1")


def test_a_server_that_refuses_the_password_is_one_line(server, sample, tmp_path):
    url = server.replace(QUOTED_PASSWORD, "wrong-secret")
    done = petseg("run", "--data", sample, "--output", tmp_path / "out", *BY_VARIABLE, **{VARIABLE: url})
    one_line(done, VARIABLE, "cannot use the")
    assert "wrong-secret" not in done.stdout + done.stderr


def test_many_may_look_at_a_new_server_at_once(server):
    """Each finds the tables, or makes them."""
    url = server.replace("/metadata", "/looked_at")
    with ThreadPoolExecutor() as pool:
        looks = [
            pool.submit(petseg, "runs", "--metadata", f"env:{VARIABLE}", **{VARIABLE: url}) for _ in "123"
        ]
    for look in looks:
        one_line(look.result(), f"--metadata env:{VARIABLE}: no run in it")


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("tuner.enabled=true", "cannot write tuner.enabled to PostgreSQL"),
        (
            "runner.image='a\"b'",
            "cannot write the quotes or backslashes in the settings runner to PostgreSQL",
        ),
    ],
)
def test_what_cannot_be_written_to_postgresql_is_one_line(server, sample, tmp_path, setting, words):
    done = petseg(
        "run", "--data", sample, "--output", tmp_path / "out", *BY_VARIABLE, "--set", setting,
        **{VARIABLE: server},
    )  # fmt: skip
    one_line(done, words)


@pytest.mark.slow
def test_two_runs_at_once_share_a_server(server, sample, tmp_path):
    """Both begin on an empty database, make its tables at the same time, and end with a pushed model."""
    outputs = [tmp_path / "a", tmp_path / "b"]
    with ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(
                petseg, "run", "--data", sample, "--output", output, *TINY, *BY_VARIABLE,
                "--set", f"trainer.seed={seed}", timeout=900, **{VARIABLE: server},
            )
            for seed, output in enumerate(outputs, start=1)
        ]  # fmt: skip
    for run, output in zip(runs, outputs, strict=True):
        done = run.result()
        assert done.status == 0, done.stdout + done.stderr
        assert not (output / "metadata.db").exists()
        assert len(list((output / "serving_model").glob("[0-9]*"))) == 1
        for file in output.rglob("*"):
            if file.is_file():
                content = file.read_bytes()
                assert PASSWORD.encode() not in content, file
                assert QUOTED_PASSWORD.encode() not in content, file
    listed = petseg("runs", "--metadata", f"env:{VARIABLE}", **{VARIABLE: server})
    assert listed.status == 0, listed.stderr
    lines = [line for line in listed.stdout.splitlines() if "blessed, test" in line]
    assert len(lines) == 2
    # Whose examples the store calls the newest is chance; where they are the other's, Trainer runs again.
    again, once_more = (
        petseg(
            "run", "--data", sample, "--output", outputs[0], *TINY, *BY_VARIABLE, "--set", "trainer.seed=1",
            **{VARIABLE: server},
        )
        for _ in "12"
    )  # fmt: skip
    for run, reused in (again, "Transform"), (once_more, "Trainer"):
        assert run.status == 0, run.stdout + run.stderr
        assert re.search(rf"{reused} +reused", run.stdout), run.stdout
