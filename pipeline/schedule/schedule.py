"""A schedule: which pipeline runs when."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from petseg.files.object_store import is_url
from pipeline.schedule.conditions import OnlyIf
from pipeline.settings import PipelineSettings, load_settings, output_folder


@dataclass(frozen=True)
class Schedule:
    """A schedule as it was created on this machine.

    Attributes:
        name: Unique among the runner's schedules.
        cron: Crontab expression.
        only_if: Condition for a run.
        folder: Absolute path of the folder that relative paths start from.
        config: Path of the config, read anew for each run; None: the defaults.
        overrides: `key=value`, laid over the config.
        grace_seconds: How late a run may begin.
        hook: ScheduleSettings at its creation.
    """

    name: str
    cron: str
    only_if: OnlyIf
    folder: str
    config: str | None
    overrides: tuple[str, ...]
    grace_seconds: float
    hook: dict[str, Any]

    def settings(self) -> PipelineSettings:
        """The settings as they are now, with data and output as absolute paths.

        Raises:
            UserError: The config or an override is wrong.
        """
        config = Path(self.folder, self.config) if self.config else None
        settings = load_settings(config, self.overrides)
        paths: dict[str, Any] = {"output": str(Path(self.folder, output_folder(settings, config)))}
        if settings.data.path is not None and not is_url(settings.data.path):
            path = str(Path(self.folder, settings.data.path))
            paths["data"] = settings.data.model_copy(update={"path": path})
        return settings.model_copy(update=paths)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as the store keeps them."""
        return asdict(self)
