"""`export` of a pushed model whose run allows no loss at all."""

import json
import shutil

import yaml

from petseg.versions.origin import ORIGIN_FILE
from tests.conftest import petseg
from tests.pipeline.exporting.conftest import RUN_ID, TEST_PHOTOS


def test_a_refused_file_is_not_written_and_the_exit_status_is_3(exported_output, copied_version, tmp_path):
    run = shutil.copytree(exported_output / "runs" / RUN_ID, tmp_path / "strict" / "runs" / RUN_ID)
    settings = yaml.safe_load((run / "settings.yaml").read_text())
    (run / "settings.yaml").write_text(yaml.safe_dump(settings | {"export": {"max_loss": 0}}))
    origin = json.loads((copied_version / ORIGIN_FILE).read_text())
    (copied_version / ORIGIN_FILE).write_text(json.dumps(origin | {"output": str(tmp_path / "strict")}))
    output = tmp_path / "files"
    done = petseg("export", "--model", copied_version, "--format", "litert_float16", "--output", output)
    assert done.status == 3, done.stdout + done.stderr
    assert done.stderr == ""
    first, last = done.stdout.splitlines()
    assert first.startswith(f"litert_float16: refused: all examples ({TEST_PHOTOS} examples): mean IoU 0.0")
    assert "where 0.0000 is allowed; most on the class" in first
    assert last == f"files and exports.json in {output}"
    names = {path.name for path in output.iterdir()}
    assert names == {"exports.json", "export.log", "pictures"}
