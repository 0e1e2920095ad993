"""Settings of the data engine."""

from typing import Literal

from pydantic import Field

from trainer.settings import Settings


class BeamSettings(Settings):
    """How Beam runs the data steps."""

    engine: Literal["in_memory", "multi_threading", "multi_processing"] = Field(
        "in_memory", description="Mode of Beam's local runner; in_memory is the quickest on few cores."
    )
    workers: int = Field(2, ge=1, le=256, description="Workers, for the engines that have several.")
    args: tuple[str, ...] = Field((), description="Further Beam pipeline arguments, such as --runner=...")

    @property
    def pipeline_args(self) -> list[str]:
        """Beam's command line.

        The local runner is named by its class: by `DirectRunner` Beam means Prism where it can download it.
        The image is of no use to the local runner, but where no way of shipping code is named TFX packs
        itself into an archive before every step.
        """
        workers = 1 if self.engine == "in_memory" else self.workers
        local = [
            "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
            f"--direct_running_mode={self.engine}",
            f"--direct_num_workers={workers}",
            "--sdk_container_image=none",
        ]
        return [*local, *self.args]
