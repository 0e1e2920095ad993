"""What the steps on a cluster cannot reach is refused, or warned of, before anything is compiled."""

import pytest

from petseg.errors import UserError
from pipeline.beam_settings import LOCAL_ENGINES
from pipeline.runners.compile_pipeline import compile_pipeline, compile_warnings
from pipeline.runners.devices import check_requested_gpus
from pipeline.runners.reach import check_reach
from pipeline.runners.registry import find_cluster
from pipeline.settings import PipelineSettings, load_settings
from tests.conftest import PETS_CONFIG, petseg

CLAIM = "runner.kubeflow.volume_claim=petseg"
IMAGE = "runner.image=registry.example.com:5000/petseg:1.2"
WEIGHTS = ["model.encoder=mobilenet_v2", "model.image_size=96"]
POOL = ["beam.address=host:1", "beam.worker_pool=host:2"]
DATAFLOW = ["beam.project=p", "beam.region=r", "beam.temp_location=gs://b/t", "beam.image=i"]


def checked(target: str, *settings: str) -> None:
    loaded = load_settings(PETS_CONFIG, settings)
    check_reach(loaded, find_cluster(target).reach(loaded))


def warnings(target: str, *settings: str) -> list[str]:
    return list(compile_warnings(load_settings(PETS_CONFIG, [IMAGE, *settings]), target))


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
@pytest.mark.parametrize("engine", LOCAL_ENGINES)
def test_engines_in_the_pod_work_on_both(target, engine):
    checked(target, f"beam.engine={engine}", "data.path=gs://b/d")


@pytest.mark.parametrize("engine", ["flink", "spark", "portable", "dataflow"])
def test_on_kubeflow_no_worker_outside_the_pod_sees_the_artifacts(engine):
    needed = DATAFLOW if engine == "dataflow" else POOL
    with pytest.raises(UserError, match=rf"^beam\.engine must be one of in_memory, .*; received {engine}$"):
        checked("kubeflow", CLAIM, "data.path=s3://b/d", f"beam.engine={engine}", *needed)


def test_on_vertex_workers_elsewhere_read_the_bucket():
    checked("vertex", "data.path=gs://b/d", "beam.engine=dataflow", *DATAFLOW)
    checked("vertex", "data.path=gs://b/d", "beam.engine=portable", *POOL)
    with pytest.raises(UserError, match=r"^data\.path must be gs://.*dataflow.*received /gcs/b/d$"):
        checked("vertex", "data.path=/gcs/b/d", "beam.engine=dataflow", *DATAFLOW)
    for engine in ("flink", "spark"):
        with pytest.raises(UserError, match=rf"^beam\.engine .*dataflow .*Java.*; received {engine}$"):
            checked("vertex", "data.path=gs://b/d", f"beam.engine={engine}", *POOL)


@pytest.mark.parametrize(
    ("target", "seen", "unseen"),
    [
        (
            "kubeflow",
            "/petseg/weights.h5",
            ["/home/me/weights.h5", "weights.h5", "/petsegs/w.h5", "/petseg/../w.h5"],
        ),
        ("vertex", "/gcs/bucket/weights.h5", ["/petseg/weights.h5", "gs://bucket/weights.h5"]),
    ],
)
def test_the_encoders_weights_must_be_where_the_steps_are(target, seen, unseen):
    settings = [CLAIM, "data.path=gs://b/d", *WEIGHTS]
    checked(target, *settings, f"model.encoder_weights={seen}", f"trainer.warm_start={seen}")
    checked(target, *settings, "model.encoder_weights=imagenet", "trainer.warm_start=true")
    for path in unseen:
        with pytest.raises(
            UserError, match=rf"^model\.encoder_weights: the steps cannot read {path}; copy it"
        ):
            checked(target, *settings, f"model.encoder_weights={path}")
        with pytest.raises(UserError, match=rf"^trainer\.warm_start: the steps cannot read {path}; copy it"):
            checked(target, *settings, f"trainer.warm_start={path}")


def test_without_a_volume_kubeflow_has_no_weights():
    with pytest.raises(UserError, match=r"^model\.encoder_weights: .*runner\.kubeflow\.volume_claim"):
        checked("kubeflow", "data.path=s3://b/d", *WEIGHTS, "model.encoder_weights=/petseg/weights.h5")


def test_compile_refuses_and_writes_nothing(tmp_path):
    overrides = [
        "data.path=/petseg/data", IMAGE, CLAIM, "runner.pipeline_root=gs://b/r", *WEIGHTS,
        "model.encoder_weights=/home/me/weights.h5",
    ]  # fmt: skip
    done = petseg(
        "compile", "--target", "kubeflow", "--config", PETS_CONFIG, "--output", tmp_path / "file",
        *(part for setting in overrides for part in ("--set", setting)),
    )  # fmt: skip
    assert done.status == 2
    assert done.stderr.startswith("error: model.encoder_weights: the steps cannot read /home/me/weights.h5; ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ([], r"runner\.nodes\.Trainer\.gpus must be at least 2 with .* mirrored; received 0; ask for more"),
        (["Trainer={gpus: 1}"], r"runner\.nodes\.Trainer\.gpus must be at least 2 .*; received 1; "),
        (
            ["Trainer={gpus: 3}"],
            r"trainer\.batch_size must be a multiple of the number of GPUs, 3; .* 32",
        ),
        (["Trainer={gpus: 2}", "tuner"], r"runner\.nodes\.Tuner\.gpus must be at least 2 .*; received 0; "),
    ],
)
def test_mirrored_needs_the_gpus_that_its_nodes_ask_for(target, settings, error, tmp_path):
    """Each was compiled, and Trainer failed after all data nodes."""
    with pytest.raises(UserError, match=f"^{error}"):
        compile_pipeline(mirrored(target, *settings), target, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_mirrored_with_its_gpus_is_no_error():
    check_requested_gpus(mirrored("kubeflow", "Trainer={gpus: 2}"))
    check_requested_gpus(mirrored("kubeflow", "Trainer={gpus: 2}", "Tuner={gpus: 4}", "tuner"))


def mirrored(target: str, *asked: str) -> PipelineSettings:
    """Settings of a mirrored training; `asked` are nodes with their GPUs, or that there is a Tuner."""
    kind = {"kubeflow": "nvidia.com/gpu", "vertex": "NVIDIA_TESLA_T4"}[target]
    more = [
        "tuner.enabled=true" if each == "tuner" else f"runner.nodes.{each[:-1]}, gpu_type: {kind}}}"
        for each in asked
    ]
    root = "runner.pipeline_root=gs://b/root"
    settings = [IMAGE, CLAIM, root, "data.path=gs://b/d", "push.directory=gs://b/m"]
    return load_settings(PETS_CONFIG, [*settings, "trainer.distribution=mirrored", *more])


def test_nothing_is_warned_of_where_all_is_well():
    assert warnings("kubeflow", CLAIM, "data.path=/petseg/data") == []
    secret = "runner.kubeflow.secret_env={store: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]}"
    assert warnings("kubeflow", CLAIM, "data.path=s3://b/d", secret, f"{IMAGE}@sha256:12ab") == []
    assert warnings("vertex", "data.path=gs://b/d", "push.directory=/gcs/b/models") == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["data.path=gs://b/d"], ["runner.kubeflow.volume_claim", "trains anew"]),
        ([CLAIM, "data.path=s3://b/d"], ["data.path", "runner.kubeflow.secret_env"]),
        ([CLAIM, "push.directory=s3://b/d"], ["push.directory", "runner.kubeflow.secret_env"]),
        ([CLAIM, "data.path=/data"], ["data.path: /data", "mounted at /petseg"]),
        ([CLAIM, "push.directory=/models"], ["push.directory: /models"]),
        ([CLAIM, "runner.image=registry.example.com:5000/petseg"], ["runner.image", "sha256"]),
        (
            [CLAIM, "runner.nodes.Trainer={image: petseg:latest}"],
            ["runner.nodes.Trainer.image: petseg:latest"],
        ),
        ([CLAIM, "trainer.distribution=multi_worker"], ["TF_CONFIG"]),
        ([CLAIM, "runner.nodes.Trainer={gpus: 2, gpu_type: nvidia.com/gpu}"], ["only one GPU", "mirrored"]),
    ],
)
def test_what_will_probably_go_wrong_is_one_warning(settings, words):
    (warning,) = warnings("kubeflow", *settings)
    assert "\n" not in warning
    for word in words:
        assert word in warning
