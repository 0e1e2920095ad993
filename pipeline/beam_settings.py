"""Settings of the data engine."""

from typing import Literal

from pydantic import Field, model_validator

from petseg.settings import Settings

LOCAL_ENGINES = ("in_memory", "multi_threading", "multi_processing")
NEEDED = {
    "portable": ("address",),
    "flink": ("address",),
    "spark": ("address",),
    "dataflow": ("project", "region", "temp_location", "image"),
}
"""Settings without which an engine cannot start."""

RUNNERS = {
    "portable": "PortableRunner",
    "flink": "FlinkRunner",
    "spark": "SparkRunner",
    "dataflow": "DataflowRunner",
}
"""Beam's names of the engines that are clusters."""

STARTED_BY_BEAM = ("[auto]", "[local]")
"""Addresses for which Beam starts a Flink of its own."""


class BeamSettings(Settings):
    """How Beam runs the data steps."""

    engine: Literal[
        "in_memory", "multi_threading", "multi_processing", "portable", "flink", "spark", "dataflow"
    ] = Field(
        "in_memory",
        description="The first three are modes of Beam's local runner; in_memory is the fastest on "
        "few cores. "
        "The others are clusters.",
    )
    workers: int = Field(
        2,
        ge=1,
        le=256,
        description="Number of workers, for engines that have more than one. spark decides by itself.",
    )
    address: str | None = Field(
        None,
        description="Address of the cluster. portable: host:port of a Beam job server; "
        "flink: host:port of its REST API; spark: spark://host:port.",
    )
    flink_version: str | None = Field(
        None,
        pattern=r"^[0-9]+\.[0-9]+(\.[0-9]+)?$",
        description="Version of the Flink cluster, such as 1.19.3; null: as its REST API says.",
    )
    worker_pool: str | None = Field(
        None,
        pattern=r"^[^:/\s]+:[0-9]+$",
        description="host:port of running workers (python -m apache_beam.runners.worker.worker_pool_main), "
        "for portable, flink and spark; null: workers are started from beam.image.",
    )
    image: str | None = Field(
        None, description="Container image of the workers with all dependencies, made from deploy/Dockerfile."
    )
    setup_file: str | None = Field(
        None,
        pattern=r"(^|/)setup\.py$",
        description="A setup.py, such as ./setup.py, whose packages are shipped to the workers; "
        "null: the workers "
        "already have this code.",
    )
    project: str | None = Field(None, description="Google Cloud project, for dataflow.")
    region: str | None = Field(None, description="Google Cloud region, for dataflow.")
    temp_location: str | None = Field(
        None, pattern=r"^gs://", description="gs:// folder for temporary files, for dataflow."
    )
    check: Literal["quick", "full"] = Field(
        "quick",
        description="What a run tries before its first node, with an engine that is a cluster. quick: what "
        "can be looked up in seconds; full: also a pipeline of ten elements on the workers, as check-beam "
        "does.",
    )
    args: tuple[str, ...] = Field((), description="Additional Beam pipeline arguments for every data step.")

    @model_validator(mode="after")
    def _complete(self) -> "BeamSettings":
        missing = [key for key in NEEDED.get(self.engine, ()) if getattr(self, key) is None]
        if missing:
            raise ValueError(f"engine {self.engine} needs beam.{missing[0]}; received null")
        if self.engine == "portable" and self.address == "embed":
            raise ValueError(
                "address must be host:port of a job server: Beam's job service in this process (embed) has "
                "one worker, whatever beam.workers says; on one machine use engine multi_processing"
            )
        if self.engine in ("portable", "flink", "spark") and (self.worker_pool is None) == (
            self.image is None
        ):
            received = "both" if self.image else "none"
            raise ValueError(
                f"engine {self.engine} needs one of beam.worker_pool and beam.image; received {received}"
            )
        return self

    @model_validator(mode="after")
    def _one_runner(self) -> "BeamSettings":
        for index, arg in enumerate(self.args):
            name, _, value = arg.partition("=")
            if name != "--runner":
                continue
            runner = value or "".join(self.args[index + 1 : index + 2])
            if runner.rpartition(".")[2] == "DaskRunner":
                raise ValueError(
                    "args must not name DaskRunner: Beam writes empty files on it without an error; "
                    f"received {arg}"
                )
            if runner != RUNNERS.get(self.engine):
                raise ValueError(
                    f"args must not name another runner than engine {self.engine}, set beam.engine; received "
                    f"{runner or arg}"
                )
        return self

    @property
    def pipeline_args(self) -> list[str]:
        """Beam's command line."""
        return [*self._engine_args(), *self._code_args(), *self.args]

    def _engine_args(self) -> list[str]:
        if self.engine in LOCAL_ENGINES:
            workers = 1 if self.engine == "in_memory" else self.workers
            return [
                # Named by its class: by `DirectRunner` Beam means Prism where it can download it.
                "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
                f"--direct_running_mode={self.engine}",
                f"--direct_num_workers={workers}",
            ]
        if self.engine == "dataflow":
            return [
                "--runner=DataflowRunner",
                f"--project={self.project}",
                f"--region={self.region}",
                f"--temp_location={self.temp_location}",
                f"--num_workers={self.workers}",
            ]
        cluster = {
            "portable": [f"--job_endpoint={self.address}", f"--parallelism={self.workers}"],
            "flink": [
                f"--flink_master={self.address}",
                f"--parallelism={self.workers}",
                *self._flink_version_args(),
            ],
            "spark": [f"--spark_master_url={self.address}"],
        }[self.engine]
        cluster = [f"--runner={RUNNERS[self.engine]}", *cluster]
        if self.worker_pool is None:
            return [*cluster, "--environment_type=DOCKER"]
        return [*cluster, "--environment_type=EXTERNAL", f"--environment_config={self.worker_pool}"]

    def _flink_version_args(self) -> list[str]:
        # Without it Beam takes the newest Flink that it knows. It names versions without the last part.
        version = ".".join((self.flink_version or "").split(".")[:2])
        return [f"--flink_version={version}"] if version else []

    def _code_args(self) -> list[str]:
        # Where no way of shipping code is named TFX packs itself into an archive before every step; the name
        # of an image keeps it from that also where no image is used.
        image = [f"--sdk_container_image={self.image or 'none'}"]
        return [*image, f"--setup_file={self.setup_file}"] if self.setup_file else image
