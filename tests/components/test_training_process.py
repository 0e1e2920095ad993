"""The process that Trainer trains in: what it raises comes back, and its death is told."""

from pathlib import Path

import pytest
from tfx.components.trainer.fn_args_utils import FnArgs

from components.model_trainer.process import run_fn
from petseg.errors import UserError
from trainer.settings import TrainingSettings


def fn_args(training: str, checkpoints: Path) -> FnArgs:
    return FnArgs(
        working_dir=None,
        train_files=["/no/such/file-*"],
        eval_files=["/no/such/file-*"],
        train_steps=None,
        eval_steps=None,
        schema_path=None,
        schema_file=None,
        transform_graph_path=None,
        custom_config={
            "training": training,
            "code": "",
            "warm_start": "",
            "statistics": "",
            "checkpoints": str(checkpoints),
        },
    )


def test_what_a_user_can_mend_arrives_as_such(tmp_path):
    classes = [{"value": value, "name": f"class{value}", "color": "#ffffff"} for value in (0, 1)]
    with pytest.raises(UserError, match="no examples in /no/such/file"):
        run_fn(fn_args(TrainingSettings(classes=classes).model_dump_json(), tmp_path))


def test_any_other_error_arrives_with_its_name(tmp_path):
    with pytest.raises(Exception, match="classes"):
        run_fn(fn_args("{}", tmp_path))
