"""A Flink cluster before its first job: version, slots, network memory and restarts."""

import re

from petseg.errors import UserError
from pipeline.beam_checks.check import EngineRun, Finding
from pipeline.beam_checks.flink_rest import FlinkRest
from pipeline.beam_settings import STARTED_BY_BEAM, BeamSettings

MIN_BUFFERS = "taskmanager.network.sort-shuffle.min-buffers"
DEFAULT_MIN_BUFFERS = 512
FITTING_MIN_BUFFERS = 16
"""With which all data steps ran in 256 MB of network memory."""

SEGMENT_SIZE = "taskmanager.memory.segment-size"
DEFAULT_SEGMENT_SIZE = "32kb"

TASKS = 171
"""Tasks of the largest job, StatisticsGen. All of them may write to the network at once."""

TASKS_THAT_DID_NOT_FIT = 16
"""Room for so many writing tasks in a TaskManager (256 MB, the default of 512 buffers) was not enough."""

UNITS = {"": 1, "b": 1, "k": 2**10, "kb": 2**10, "m": 2**20, "mb": 2**20}


def check_version(run: EngineRun) -> Finding | None:
    """Beam has a job server for this version of Flink."""
    if (rest := _rest(run.beam)) is None:
        return None
    from apache_beam.options.pipeline_options import FlinkRunnerOptions
    from apache_beam.version import __version__ as beam_version

    runs, named = rest.version(), run.beam.flink_version
    known = FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS
    used = named or runs
    if minor(used) not in known:
        raise UserError(
            f"beam.address: Beam {beam_version} has job servers for Flink {', '.join(known)}; "
            + (f"beam.flink_version is {named}" if named else f"the cluster runs {runs}")
            + "; use one of these"
        )
    if named and minor(named) != minor(runs):
        return Finding(f"the cluster runs {runs}, and beam.flink_version says {named}", is_warning=True)
    return Finding(f"the cluster runs {runs}, for which Beam {beam_version} has a job server")


def minor(version: str) -> str:
    """Returns a version without its last part, as Beam names versions: 1.19 for 1.19.3."""
    return ".".join(version.split(".")[:2])


def check_slots(run: EngineRun) -> Finding | None:
    """There is a free slot for each worker."""
    if (rest := _rest(run.beam)) is None:
        return None
    free, all_slots = rest.slots()
    workers = run.beam.workers
    if all_slots == 0 and "kubernetes.cluster-id" in rest.configuration():
        return Finding("no TaskManager yet: the cluster may start them as jobs need them", is_warning=True)
    if free < workers:
        raise UserError(
            f"beam.workers: Flink has {free} free slots of {all_slots} for {workers} workers; set "
            f"beam.workers={max(free, 1)}, start TaskManagers, or raise taskmanager.numberOfTaskSlots"
        )
    return Finding(f"{free} of {all_slots} slots are free for {workers} workers")


def check_network_memory(run: EngineRun) -> Finding | None:
    """Each TaskManager has network buffers for the largest job."""
    if (rest := _rest(run.beam)) is None:
        return None
    configuration = rest.configuration()
    buffers_a_task = int(configuration.get(MIN_BUFFERS, DEFAULT_MIN_BUFFERS))
    buffer = _bytes(configuration.get(SEGMENT_SIZE, DEFAULT_SEGMENT_SIZE))
    task_managers = rest.task_managers()
    if not task_managers:
        return Finding(
            f"not known without a TaskManager; {MIN_BUFFERS} is {buffers_a_task}",
            is_warning=buffers_a_task > FITTING_MIN_BUFFERS,
        )
    smallest = min(task_managers, key=lambda one: one.network_memory)
    fitting = smallest.network_memory // buffer // buffers_a_task
    room = (
        f"TaskManager {smallest.name} has {smallest.network_memory // 2**20} MB of network memory, room for "
        f"{fitting} tasks with {MIN_BUFFERS}: {buffers_a_task}"
    )
    remedy = f"set {MIN_BUFFERS}: {FITTING_MIN_BUFFERS} or a higher taskmanager.memory.network.min in Flink"
    if fitting <= TASKS_THAT_DID_NOT_FIT:
        raise UserError(
            f"beam.address: {room}; StatisticsGen has {TASKS}, and would end with `Insufficient number of "
            f"network buffers`; {remedy}"
        )
    if fitting * len(task_managers) < TASKS:
        return Finding(f"{room}; StatisticsGen has {TASKS}, which may be too many; {remedy}", is_warning=True)
    return Finding(room)


def check_restarts(run: EngineRun) -> Finding | None:
    """Flink starts tasks again when it loses a TaskManager."""
    if (rest := _rest(run.beam)) is None:
        return None
    configuration = rest.configuration()
    strategy = configuration.get("restart-strategy.type") or configuration.get("restart-strategy", "none")
    if strategy in ("none", "off", "disable"):
        return Finding(
            "Flink has no restart-strategy: a lost TaskManager ends the node; set restart-strategy.type: "
            "fixed-delay",
            is_warning=True,
        )
    return Finding(f"restart-strategy is {strategy}")


def with_flink_version(beam: BeamSettings) -> BeamSettings:
    """Returns the settings with the cluster's version, unless they have one.

    Raises:
        UserError: Flink's REST API does not answer.
    """
    if beam.engine != "flink" or beam.flink_version is not None or (rest := _rest(beam)) is None:
        return beam
    return beam.model_copy(update={"flink_version": rest.version()})


def cancel_job(beam: BeamSettings, name: str) -> None:
    """Cancels a job by its name in Flink, where the engine is one.

    Raises:
        UserError: Flink's REST API does not answer.
    """
    if rest := _rest(beam):
        rest.cancel_job(name)


def _rest(beam: BeamSettings) -> FlinkRest | None:
    """The cluster's REST API; with a job server of its own where `beam.args` names the cluster."""
    address = beam.address
    if beam.engine == "portable":
        from apache_beam.options.pipeline_options import FlinkRunnerOptions, PipelineOptions

        address = PipelineOptions(list(beam.args)).view_as(FlinkRunnerOptions).flink_master
    elif beam.engine != "flink":
        return None
    return None if address in STARTED_BY_BEAM else FlinkRest(str(address))


def _bytes(size: str) -> int:
    """Bytes of a size in Flink's words, such as 32kb."""
    found = re.fullmatch(r"(\d+)\s*([a-z]*)", size.strip().lower())
    if not found or found[2] not in UNITS:
        raise UserError(f"{SEGMENT_SIZE}: Flink says {size}, which is no size such as 32kb")
    return int(found[1]) * UNITS[found[2]]
