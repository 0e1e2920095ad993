"""The data engines: what each needs, and that its arguments reach every data step."""

import pytest
from tfx.dsl.compiler import compiler
from tfx.orchestration import metadata  # noqa: F401  TFX registers what the compiler packs.
from tfx.proto.orchestration import executable_spec_pb2, pipeline_pb2

from petseg.errors import UserError
from pipeline.paths import Paths
from pipeline.pipeline import create_pipeline
from pipeline.settings import load_settings
from tests.conftest import PETS_CONFIG

BEAM_NODES = {"SegmentationExampleGen", "StatisticsGen", "Transform", "Evaluator"}
POOL = "beam.worker_pool=localhost:50000"
DATAFLOW = ["beam.engine=dataflow", "beam.project=p", "beam.region=r", "beam.temp_location=gs://b/t"]


def test_further_arguments_reach_every_data_step():
    settings = load_settings(PETS_CONFIG, ["beam.args=[--save_main_session, --job_name=mine]"])
    dag = create_pipeline(
        settings, Paths("/root", "/pushed", "/work"), beam_pipeline_args=settings.beam.pipeline_args
    )
    config = pipeline_pb2.IntermediateDeploymentConfig()
    compiler.Compiler().compile(dag).deployment_config.Unpack(config)
    told = {}
    for node, packed in config.executor_specs.items():
        spec = executable_spec_pb2.BeamExecutableSpec()
        if packed.Unpack(spec):
            told[node] = list(spec.beam_pipeline_args)
    assert told.keys() >= BEAM_NODES
    for args in told.values():
        assert args == settings.beam.pipeline_args
        assert args[-2:] == ["--save_main_session", "--job_name=mine"]


@pytest.mark.parametrize(
    ("settings", "args"),
    [
        (["beam.engine=multi_processing", "beam.workers=3"], ["--direct_num_workers=3"]),
        (
            ["beam.engine=portable", "beam.address=jobs:8099", POOL, "beam.setup_file=./setup.py"],
            [
                "--runner=PortableRunner", "--job_endpoint=jobs:8099", "--environment_type=EXTERNAL",
                "--environment_config=localhost:50000", "--setup_file=./setup.py",
            ],
        ),
        (
            ["beam.engine=flink", "beam.address=flink:8081", "beam.image=petseg:cpu", "beam.workers=4"],
            [
                "--runner=FlinkRunner", "--flink_master=flink:8081", "--environment_type=DOCKER",
                "--sdk_container_image=petseg:cpu", "--parallelism=4",
            ],
        ),
        (
            ["beam.engine=flink", "beam.address=flink:8081", POOL, "beam.flink_version=1.19.3"],
            ["--flink_version=1.19"],
        ),
        (
            ["beam.engine=portable", "beam.address=jobs:8099", POOL, "beam.workers=5"],
            ["--job_endpoint=jobs:8099", "--parallelism=5"],
        ),
        (["beam.engine=flink", "beam.address=f:1", POOL, "beam.args=[--runner=FlinkRunner]"], []),
        (
            ["beam.engine=spark", "beam.address=spark://spark:7077", POOL],
            ["--runner=SparkRunner", "--spark_master_url=spark://spark:7077"],
        ),
        (
            [*DATAFLOW, "beam.image=petseg:cpu"],
            ["--runner=DataflowRunner", "--project=p", "--region=r", "--temp_location=gs://b/t"],
        ),
    ],
)  # fmt: skip
def test_engines_in_beams_words(settings, args):
    assert set(args) <= set(load_settings(None, settings).beam.pipeline_args)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["beam.engine=storm"], "beam.engine"),
        (["beam.engine=portable", POOL], "engine portable needs beam.address"),
        (["beam.engine=portable", "beam.address=embed", POOL], "has one worker, whatever beam.workers says"),
        (
            ["beam.engine=flink", "beam.address=f:8081"],
            "needs one of beam.worker_pool and beam.image; received none",
        ),
        (["beam.engine=spark", "beam.address=s", POOL, "beam.image=i"], "received both"),
        ([*DATAFLOW], "engine dataflow needs beam.image"),
        (["beam.temp_location=/tmp"], "beam.temp_location"),
        (["beam.worker_pool=http://x:1"], "beam.worker_pool"),
        (["beam.setup_file=pyproject.toml"], "beam.setup_file"),
        (["beam.flink_version=1"], "beam.flink_version"),
        (["beam.args=[--runner=DaskRunner]"], "args must not name DaskRunner: Beam writes empty files"),
        (
            ["beam.args=[--runner, apache_beam.runners.dask.dask_runner.DaskRunner]"],
            "args must not name DaskRunner: Beam writes empty files",
        ),
        (
            ["beam.args=[--runner=PrismRunner]"],
            "args must not name another runner than engine in_memory, set beam.engine; received PrismRunner",
        ),
    ],
)
def test_what_an_engine_lacks_is_one_line(settings, words):
    with pytest.raises(UserError) as refused:
        load_settings(None, settings)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
