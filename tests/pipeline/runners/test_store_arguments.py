"""Places on object stores: what is refused before a run, and a whole run that has all it can on S3."""

import json
import re

import pytest

from petseg.files.object_store import StorePath, copy_folder
from tests.conftest import TINY, petseg
from tests.ports import unanswered_port


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["output=s3://bucket/out"], "output must be a local folder; received s3://bucket/out"),
        (["data.path=s3://bucket/nothing"], "data.path: there is no folder s3://bucket/nothing"),
        (["data.path=hdfs://x/y"], "data.path must begin with s3:// or gs://"),
        (["push.directory=s3://no-such-bucket/m"], "there is no such bucket"),
        (["report.directory=s3://no-such-bucket/r"], "there is no such bucket"),
        (["push.directory=ftp://x/m"], "push.directory must begin with s3:// or gs://"),
    ],
)
def test_places_that_cannot_be_used_are_one_line_before_the_run(s3, sample, tmp_path, settings, words):
    defaults = [f"data.path={sample}", f"output={tmp_path / 'out'}"]
    options = [option for setting in [*defaults, *settings] for option in ("--set", setting)]
    done = petseg("run", *options, **s3)
    assert done.status == 2, done.stdout + done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_store_that_is_not_there_is_one_line(s3, tmp_path):
    with unanswered_port() as port:
        nobody = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        done = petseg("run", "--data", "s3://bucket/pets", "--output", tmp_path / "out", **(s3 | nobody))
    assert done.status == 2, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1
    assert "s3://bucket/pets cannot be used" in done.stderr
    assert "AWS_ENDPOINT_URL" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("store", ["s3", "gs"])
def test_a_run_with_data_models_and_reports_on_a_store(request, store, sample, tmp_path):
    environment = request.getfixturevalue(store)
    place = StorePath(f"{store}://bucket/run")
    copy_folder(sample, place / "pets")
    arguments = [
        "run", "--data", place / "pets", "--output", tmp_path / "out", *TINY,
        "--set", f"push.directory={place}/models", "--set", f"report.directory={place}/reports",
    ]  # fmt: skip
    first = petseg(*arguments, **environment)
    assert first.status == 0, first.stdout + first.stderr
    version = re.search(rf"model +{place}/models/(\d+)", first.stdout)[1]
    manifest = json.loads((place / f"models/.manifests/{version}.json").read_text())
    for name, size in manifest["files"].items():
        assert (place / f"models/{version}/{name}").size() == size
    (report,) = (place / "reports").iterdir()
    copied = {name.rsplit("/", 1)[-1] for name in report.files_below()}
    assert copied >= {"report.html", "metrics.json", "settings.yaml", "photos.parquet"}
    assert json.loads((report / "metrics.json").read_text())["seconds"]

    second = petseg(*arguments, **environment)
    assert second.status == 0, second.stdout + second.stderr
    assert "already in production" in second.stdout
    assert re.search(r"Trainer +reused", second.stdout)
    listed = petseg("runs", "--output", tmp_path / "out", **environment)
    assert f"in production: {place}/models/{version}" in listed.stdout
