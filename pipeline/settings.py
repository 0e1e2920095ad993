"""The whole settings tree: defaults, the YAML config of an experiment, and `--set key=value` over it."""

import difflib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, Field, SerializeAsAny, ValidationError, model_validator
from pydantic.fields import FieldInfo

from components.dataset_gate.settings import GateSettings
from components.evaluator.settings import EvaluationSettings
from components.example_gen.settings import DataSettings
from components.exporter.settings import ExportSettings
from components.pusher.settings import PushSettings
from components.run_report.settings import ReportSettings
from components.serving_check.settings import ServingCheckSettings
from petseg.errors import UserError
from petseg.photo_settings import PhotoSettings
from petseg.settings import Settings
from pipeline.beam_settings import BeamSettings
from pipeline.config_file import read_config
from pipeline.runners.local.metadata.settings import MetadataSettings
from pipeline.runners.settings import RunnerSettings
from pipeline.schedule.settings import ScheduleSettings
from trainer.data.transform_settings import TransformSettings
from trainer.models.settings import STORED, ModelSettings, own_fields
from trainer.settings import TrainerSettings, TrainingSettings
from trainer.tuner_settings import TunerSettings

SECRET_NAME = re.compile(
    r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|PRIVATE_KEY|API_KEY|ACCESS_KEY", re.IGNORECASE
)

PATHS_AND_MACHINES = (
    "output",
    "data.path",
    "trainer.cache",
    "push.directory",
    "report.directory",
    "beam",
    "metadata",
    "runner",
    "schedule",
)
"""Settings of where a run works, which are not part of the settings' digest."""

FILES = ("data.schema", "model.encoder_weights", "trainer.warm_start")
"""Settings that may name a file or folder whose content changes a result."""


class PipelineSettings(Settings):
    """Everything that a run depends on. YAML files hold only what differs from these defaults."""

    name: str = Field(
        "petseg",
        pattern=r"^[a-z][a-z0-9-]*$",
        description="Name of the pipeline in ML Metadata and on clusters.",
    )
    output: str | None = Field(None, description="Folder of the results; null: runs/<config name>.")
    data: DataSettings = Field(DataSettings(), description="Photos, masks and classes.")
    gate: GateSettings = Field(GateSettings(), description="The check of the data before training.")
    transform: TransformSettings = Field(TransformSettings(), description="How photos become model input.")
    model: SerializeAsAny[ModelSettings] = Field(ModelSettings(), description="The network.")
    trainer: TrainerSettings = Field(TrainerSettings(), description="The training.")
    tuner: TunerSettings = Field(TunerSettings(), description="The hyperparameter search.")
    evaluation: EvaluationSettings = Field(
        EvaluationSettings(), description="How the model is evaluated and what it must reach."
    )
    serving_check: ServingCheckSettings = Field(ServingCheckSettings(), description="The serving check.")
    export: ExportSettings = Field(ExportSettings(), description="Files for other runtimes.")
    push: PushSettings = Field(PushSettings(), description="Where blessed models go.")
    beam: BeamSettings = Field(BeamSettings(), description="The engine that runs the data steps.")
    metadata: MetadataSettings = Field(MetadataSettings(), description="Where local runs keep ML Metadata.")
    runner: RunnerSettings = Field(RunnerSettings(), description="The cluster, for compiled pipelines.")
    schedule: ScheduleSettings = Field(ScheduleSettings(), description="Scheduled runs on this machine.")
    report: ReportSettings = Field(ReportSettings(), description="The report.")

    @model_validator(mode="after")
    def _parts_fit_together(self) -> "PipelineSettings":
        # Commands that only ask a cluster need no classes; a run does, see DataSettings.require_classes.
        if self.data.classes:
            self.trainer.check_against(self.transform, self.model, self.data.classes)
            self.evaluation.check_against(self.data.classes, self.data.slice_features)
            if self.export.formats and self.evaluation.split != "test":
                raise ValueError(
                    "export.formats must be [] where evaluation.split is eval: nothing is pushed then; "
                    f"received {list(self.export.formats)}"
                )
            self.tuner.check_against(self.training)
        return self

    @property
    def training(self) -> TrainingSettings:
        """The part that the Trainer needs.

        Raises:
            UserError: No classes are set.
        """
        self.data.require_classes()
        return TrainingSettings(
            classes=self.data.classes,
            photos=PhotoSettings(photo_range=self.data.photo_range, max_pixels=self.data.max_pixels),
            transform=self.transform,
            model=self.model,
            trainer=self.trainer,
        )

    def to_yaml(self) -> str:
        """The resolved settings, with every key."""
        return yaml.safe_dump(self.model_dump(mode="json", by_alias=True), sort_keys=False)

    def sha256(self) -> str:
        """Hex digest of the settings that can change a result: without paths, machines and engines.

        For a file or folder that a result depends on, it only counts whether there is one, not its path.
        """
        tree = self.model_dump(mode="json", by_alias=True)
        for key in PATHS_AND_MACHINES:
            part, _, name = key.partition(".")
            del (tree[part] if name else tree)[name or part]
        if self.trainer.cache == "none":
            tree["trainer"]["cache"] = "none"  # the one that decides the order of the examples
        for part, name in (key.split(".") for key in FILES):
            value = tree[part].get(name)
            if isinstance(value, str) and value != "imagenet":
                tree[part][name] = "a file"
        return hashlib.sha256(json.dumps(tree).encode()).hexdigest()


def load_settings(config: Path | None, overrides: Iterable[str] = ()) -> PipelineSettings:
    """Reads a config and the files that it extends, applies `key.sub=value` overrides, and checks the result.

    Args:
        config: The YAML file; None: the defaults.
        overrides: Strings `key.sub=value`; the value is parsed as YAML.

    Raises:
        UserError: The file cannot be read, or a key or value is wrong.
    """
    tree = read_config(config) if config else {}
    for override in overrides:
        _lay_over(tree, override)
    context = STORED if config and _is_record_of_a_run(config) else None
    try:
        return PipelineSettings.model_validate(_expand_environment(tree), context=context)
    except ValidationError as error:
        raise UserError(_first_line(error, config)) from None


def describe_fields(
    model: type[BaseModel] = PipelineSettings, prefix: str = ""
) -> Iterator[tuple[str, FieldInfo]]:
    """Yields every setting as (dotted key, field), in the order of the tree."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        if _is_part(field):
            yield from describe_fields(field.annotation, f"{key}.")  # type: ignore[arg-type]
        else:
            yield key, field
    if model is ModelSettings:
        of_some: dict[str, FieldInfo] = {}
        for fields in own_fields().values():
            of_some |= {name: field for name, field in fields.items() if name not in of_some}
        yield from ((f"{prefix}{name}", field) for name, field in of_some.items())


def _is_record_of_a_run(config: Path) -> bool:
    """Whether this is the `settings.yaml` that a run left beside its metrics."""
    return config.name == "settings.yaml" and (config.parent / "metrics.json").is_file()


def _is_part(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, Settings)


def _lay_over(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise UserError(f"--set {override}: must be key=value, such as trainer.epochs=5")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise UserError(f"--set {override}: {text!r} is not a YAML value") from None
    *parents, last = key.split(".")
    for parent in parents:
        below = tree.get(parent)
        if below is None:
            below = tree[parent] = {}
        if not isinstance(below, dict):
            raise UserError(f"--set {override}: {parent} is a value and has no keys below it")
        tree = below
    tree[last] = value


def _expand_environment(value: Any) -> Any:
    """Replaces ${NAME} in every string, so that configs need no paths of one machine.

    Secrets are refused: the resolved settings are in the run's folder, its report and compiled pipelines.
    """
    if isinstance(value, dict):
        return {key: _expand_environment(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_expand_environment(below) for below in value]
    if not isinstance(value, str):
        return value
    for name in re.findall(r"\$\{?(\w+)", value):
        if SECRET_NAME.search(name):
            raise UserError(
                f"{value!r} names the environment variable {name}, which seems to hold a secret; settings "
                "are written into reports and compiled pipelines, so they must not hold secrets"
            )
    for name in re.findall(r"\$\{(\w+)\}", value):
        if not os.environ.get(name):
            raise UserError(f"environment variable {name} is not set; the settings use it in {value!r}")
    return os.path.expandvars(value)


def _first_line(error: ValidationError, config: Path | None) -> str:
    problem = error.errors()[0]
    source = f" (from {config} or --set)" if config else ""
    if problem["type"] == "extra_forbidden":
        key = ".".join(str(part) for part in problem["loc"])
        return f"unknown setting {key}{source}{_nearest_key(key)}"
    key = _dotted(problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if not key:
        return message
    received = "" if isinstance(problem["input"], dict | BaseModel) else f"; received {problem['input']!r}"
    complaint = f"{key}: {message}{'' if 'received' in message else received}{source}"
    return f"{complaint}{'' if complaint.endswith('?') else '.'}{_describe(key)}"


def _dotted(location: tuple[int | str, ...]) -> str:
    """The key as users write it, without the tags that pydantic adds for the branches of a union."""
    parts = [str(part) for part in location]
    if any(".".join(parts).startswith(f"{mapping}.") for mapping in _mappings()):
        return ".".join(parts)
    while parts and ".".join(parts) not in _all_keys():
        parts.pop()
    return ".".join(parts)


def _mappings() -> set[str]:
    return {key for key, field in describe_fields() if get_origin(field.annotation) is dict}


def _all_keys() -> set[str]:
    keys = {key for key, _ in describe_fields()}
    parents = {key.rsplit(".", depth)[0] for key in keys for depth in range(1, key.count(".") + 1)}
    return keys | parents


def _nearest_key(key: str) -> str:
    keys = sorted(_all_keys())
    near = difflib.get_close_matches(key, keys, n=1, cutoff=0.6)
    if not near:
        by_last = {entry.rsplit(".", 1)[-1]: entry for entry in keys}
        near = [
            by_last[name]
            for name in difflib.get_close_matches(key.rsplit(".", 1)[-1], by_last, n=1, cutoff=0.75)
        ]
    return f"; did you mean {near[0]}?" if near else "; `pipeline_runner.py settings` lists all keys"


def _describe(key: str) -> str:
    for name, field in describe_fields():
        if name == key:
            choices = get_args(field.annotation) if "Literal" in str(field.annotation) else ()
            named = [choice for choice in choices if isinstance(choice, str)]
            return f" {field.description}" + (f" One of: {', '.join(named)}." if named else "")
    return ""


def describe_settings(settings: PipelineSettings) -> str:
    """All settings with values and descriptions. A setting of another architecture shows which one has it."""
    values = settings.model_dump(mode="json", by_alias=True)
    lines = []
    for key, field in describe_fields():
        value: Any = values
        for part in key.split("."):
            value = value.get(part, field.default)
        owners = [owner for owner, fields in own_fields().items() if key.removeprefix("model.") in fields]
        text = yaml.safe_dump(value, default_flow_style=True, width=10**6).splitlines()[0]
        lines.append(f"{key}: {text}" + (f"  (only {', '.join(owners)})" if owners else ""))
        lines.append(f"    {field.description}")
    return "\n".join(lines)


def output_folder(settings: PipelineSettings, config: Path | None) -> Path:
    """Folder of the results: the setting, else named after the config."""
    return Path(settings.output or f"runs/{config.stem if config else 'defaults'}")
