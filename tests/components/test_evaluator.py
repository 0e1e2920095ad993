"""The Evaluator's executor on tiny models: verdicts, figures, rows, engines."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow_model_analysis as tfma
from tfx.types import artifact_utils, standard_artifacts

from components.confusion import iou_per_class, mean_iou, pixel_accuracy
from components.evaluator.eval_config import eval_config
from components.evaluator.executor import Executor
from components.evaluator.settings import EvaluationSettings, JudgingSettings, metric_names
from tests.components import tiny_models
from trainer.class_table import ClassTable
from trainer.errors import UserError

PHOTOS = 11
BY_NAME = sorted(range(PHOTOS), key=lambda i: f"photo_{i}")
SLICES = ("label/kind", "slice/size")


@pytest.fixture(scope="module")
def masks() -> list[np.ndarray]:
    return tiny_models.random_masks(PHOTOS, seed=3)


def slices_of(place: int) -> dict[str, str]:
    """Photo 0 has no kind: data of one's own may lack a feature here and there."""
    size = {"slice/size": "small" if place % 2 else "large"}
    return size if place == 0 else {"label/kind": f"kind_{place % 3}", **size}


def write_examples(folder: Path, masks: list[np.ndarray]) -> standard_artifacts.Examples:
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(["test", "eval"])
    records = [tiny_models.raw_example(f"photo_{i}", mask, slices_of(i)) for i, mask in enumerate(masks)]
    tiny_models.write_split(folder / "Split-test", records, shards=2)
    tiny_models.write_split(folder / "Split-eval", [])
    return artifact


@pytest.fixture(scope="module")
def examples(masks, tmp_path_factory) -> standard_artifacts.Examples:
    return write_examples(tmp_path_factory.mktemp("examples"), masks)


@pytest.fixture
def judge(examples, tmp_path):
    """Runs the executor; returns the judgement, the evaluation's folder and the blessing."""

    def run(
        candidate=None,
        baseline=None,
        beam_args=("--direct_running_mode=in_memory",),
        examples=examples,
        known_counts="",
        **evaluation,
    ):
        def model(name, settings):
            artifact = standard_artifacts.Model()
            artifact.uri = str(tmp_path / name)
            if settings is not None:
                tiny_models.save_model(tmp_path / name / "Format-Serving", **settings)
            return artifact

        evaluated, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
        for name, artifact in (("evaluation", evaluated), ("blessing", blessing)):
            artifact.uri = str(tmp_path / name)
            Path(artifact.uri).mkdir()
        settings = JudgingSettings(
            evaluation=EvaluationSettings(**{"batch_size": 4, **evaluation}),
            classes=tiny_models.TABLE,
            slice_features=SLICES,
        )
        context = Executor.Context(
            beam_pipeline_args=["--runner=DirectRunner", *beam_args], tmp_dir=str(tmp_path), unique_id="1"
        )
        Executor(context).Do(
            {
                "examples": [examples],
                "model": [model("candidate", candidate or {})],
                "baseline_model": [model("production", baseline)],
            },
            {"evaluation": [evaluated], "blessing": [blessing]},
            {"judging": settings.model_dump_json(), "known_counts": str(known_counts), "code": ""},
        )
        judgement = json.loads((tmp_path / "evaluation" / "judgement.json").read_text())
        return judgement, Path(evaluated.uri), blessing

    return run


def reference(masks, **model) -> np.ndarray:
    """NumPy's counts [photos, 2, C, C]."""
    size = tiny_models.MODEL_SIZE
    return np.array(
        [[tiny_models.count(mask[:size, :size], **model), tiny_models.count(mask, **model)] for mask in masks]
    )


def test_right_model_is_blessed_on_the_first_run(judge, caplog):
    caplog.set_level("INFO", "petseg")
    judgement, _, blessing = judge()
    assert not [r.message for r in caplog.records if r.levelname == "WARNING" and "bytes" in r.message]
    assert judgement["blessed"] is True
    assert judgement["model"]["mean_iou"] == 1.0
    assert judgement["baseline"] is None
    assert judgement["examples"] == PHOTOS
    assert judgement["reason"] == (
        "mean IoU 1.0000 at model size on 11 test photos: above the floor 0.6000; "
        "no model in production to compare with"
    )
    assert f"blessed: {judgement['reason']}" in caplog.messages
    assert [p.name for p in Path(blessing.uri).iterdir()] == ["BLESSED"]
    assert blessing.get_int_custom_property("blessed") == 1


@pytest.mark.parametrize("model", [{"constant": True}, {"wrong": 1.0}], ids=["constant", "shuffled"])
def test_model_below_the_floor_is_refused(judge, model):
    judgement, _, blessing = judge(candidate=model)
    assert judgement["blessed"] is False
    assert "below the floor 0.6000" in judgement["reason"]
    assert [p.name for p in Path(blessing.uri).iterdir()] == ["NOT_BLESSED"]
    assert blessing.get_int_custom_property("blessed") == 0


def test_model_a_little_worse_than_production_is_refused(judge, masks):
    judgement, *_ = judge(candidate={"wrong": 0.05}, baseline={"wrong": 0.03}, max_regression=0.005)
    worse, better = (float(mean_iou(reference(masks, wrong=w)[:, 0].sum(0))) for w in (0.05, 0.03))
    assert judgement["blessed"] is False
    assert judgement["model"]["mean_iou"] == pytest.approx(worse)
    assert judgement["baseline"]["model"]["mean_iou"] == pytest.approx(better)
    assert judgement["reason"].endswith(
        f"above the floor 0.6000; {better - worse:.4f} below production's {better:.4f}, "
        "more than the 0.0050 allowed"
    )


def test_model_within_the_allowed_regression_is_blessed(judge):
    judgement, *_ = judge(candidate={"wrong": 0.05}, baseline={"wrong": 0.03}, max_regression=0.2)
    assert judgement["blessed"] is True
    assert judgement["reason"].endswith("within the 0.2000 allowed")


def test_model_better_than_production_is_blessed(judge):
    judgement, *_ = judge(candidate={"wrong": 0.03}, baseline={"wrong": 0.05})
    assert judgement["blessed"] is True
    assert " above production's " in judgement["reason"]


def test_better_than_production_but_below_the_floor_is_refused(judge):
    judgement, *_ = judge(candidate={"wrong": 0.5}, baseline={"wrong": 1.0})
    assert judgement["blessed"] is False


def test_a_slice_below_its_minimum_is_refused_and_named(judge, masks):
    by_kind = {
        kind: float(
            mean_iou(
                reference(
                    [mask for i, mask in enumerate(masks) if slices_of(i).get("label/kind") == kind],
                    wrong=0.1,
                )[:, 0].sum(0)
            )
        )
        for kind in ("kind_0", "kind_1", "kind_2")
    }
    worst, better = sorted(by_kind, key=by_kind.__getitem__)[:2]
    minimum = (by_kind[worst] + by_kind[better]) / 2
    judgement, _, blessing = judge(
        candidate={"wrong": 0.1},
        baseline={"wrong": 0.2},
        thresholds=[{"metric": "model/mean_iou", "slice": "label/kind", "minimum": minimum}],
    )
    assert judgement["blessed"] is False
    assert [p.name for p in Path(blessing.uri).iterdir()] == ["NOT_BLESSED"]
    assert judgement["reason"].endswith(
        f"; model/mean_iou by label/kind is {by_kind[worst]:.4f} for {worst}, below {minimum:.4f}"
    )


def test_thresholds_that_are_reached_leave_the_verdict_alone(judge):
    judgement, *_ = judge(
        candidate={"wrong": 0.1},
        foreground=["thing", "rim"],
        thresholds=[
            {"metric": "model/mean_iou", "slice": "label/kind", "minimum": 0.3},
            {"metric": "photo/binary_iou", "minimum": 0.5},
            {"metric": "photo/dice/ground", "slice": "slice/size", "minimum": 0.3, "max_gap": 0.5},
        ],
    )
    assert judgement["blessed"] is True
    assert judgement["reason"].endswith("; all of 3 thresholds reached")


def test_slices_too_far_apart_are_refused(judge, masks):
    sizes = [
        float(
            mean_iou(
                reference(
                    [mask for i, mask in enumerate(masks) if slices_of(i)["slice/size"] == size], wrong=0.1
                )[:, 0].sum(0)
            )
        )
        for size in ("small", "large")
    ]
    gap = abs(sizes[0] - sizes[1])
    assert gap > 0
    threshold = {"metric": "model/mean_iou", "slice": "slice/size", "max_gap": gap / 2}
    judgement, *_ = judge(candidate={"wrong": 0.1}, thresholds=[threshold])
    assert judgement["blessed"] is False
    assert judgement["reason"].endswith(f"more than {gap / 2:.4f} apart")


def test_a_threshold_on_all_photos_is_refused_and_told(judge):
    judgement, *_ = judge(
        candidate={"wrong": 0.1}, thresholds=[{"metric": "photo/recall/thing", "minimum": 0.999}]
    )
    assert judgement["blessed"] is False
    assert "photo/recall/thing is 0." in judgement["reason"]
    assert judgement["reason"].endswith("for all photos, below 0.9990")


def test_names_of_metrics_are_known_without_tfma():
    settings = JudgingSettings(
        evaluation=EvaluationSettings(foreground=("thing",)), classes=tiny_models.TABLE
    )
    config = eval_config(settings, has_baseline=False)
    names = {json.loads(metric.config)["name"] for metric in config.metrics_specs[0].metrics}
    assert names - {"example_count"} == set(metric_names(tiny_models.TABLE.names, has_foreground=True))


def test_figures_and_slices_equal_numpy(judge, masks):
    judgement, folder, _ = judge(candidate={"wrong": 0.1}, baseline={})
    counts = reference(masks, wrong=0.1)
    for axis, size in enumerate(("model", "photo")):
        summed = counts[:, axis].sum(0)
        assert judgement[size]["mean_iou"] == pytest.approx(float(mean_iou(summed)))
        assert judgement[size]["pixel_accuracy"] == pytest.approx(float(pixel_accuracy(summed)))
        assert list(judgement[size]["iou"]) == list(tiny_models.TABLE.names)
        assert list(judgement[size]["iou"].values()) == pytest.approx(list(iou_per_class(summed)))
    assert judgement["model"]["size"] == [tiny_models.MODEL_SIZE] * 2
    assert "size" not in judgement["photo"]

    expected = {
        ((feature, value),): [i for i in range(PHOTOS) if slices_of(i).get(feature) == value]
        for feature, values in (
            ("label/kind", ("kind_0", "kind_1", "kind_2")),
            ("slice/size", ("small", "large")),
        )
        for value in values
    } | {(): list(range(PHOTOS))}
    result = tfma.load_eval_result(str(folder), model_name="candidate")
    assert {key for key, _ in result.slicing_metrics} == set(expected)
    for key, places in expected.items():
        metrics = result.get_metrics_for_slice(key)
        assert metrics["example_count"]["doubleValue"] == len(places)
        for axis, size in enumerate(("model", "photo")):
            summed = counts[places, axis].sum(0)
            assert metrics[f"{size}/mean_iou"]["doubleValue"] == pytest.approx(float(mean_iou(summed)))
            for name, iou in zip(tiny_models.TABLE.names, iou_per_class(summed), strict=True):
                assert metrics[f"{size}/iou/{name}"]["doubleValue"] == pytest.approx(float(iou), nan_ok=True)


def test_rows_of_photos_equal_numpy(judge, masks):
    _, folder, _ = judge(candidate={"wrong": 0.1}, baseline={})
    counts = reference(masks, wrong=0.1)
    assert pq.read_table(folder / "photos.parquet").to_pylist() == [
        {
            "name": f"photo_{i}",
            "split": "test",
            "label/kind": slices_of(i).get("label/kind"),
            "slice/size": slices_of(i)["slice/size"],
            "counts_model": counts[i, 0].ravel().tolist(),
            "counts_photo": counts[i, 1].ravel().tolist(),
        }
        for i in BY_NAME
    ]


def test_class_that_occurs_nowhere_has_no_iou(judge, tmp_path):
    masks = [np.where(mask == 3, 1, mask).astype(np.uint8) for mask in tiny_models.random_masks(4, seed=5)]
    judgement, *_ = judge(examples=write_examples(tmp_path / "no_rim", masks))
    for size in ("model", "photo"):
        assert judgement[size]["iou"] == {"thing": 1.0, "ground": 1.0, "rim": None}
        assert judgement[size]["mean_iou"] == 1.0


def test_split_without_a_labelled_pixel_is_refused(judge, tmp_path):
    masks = [np.full((9, 9), tiny_models.TABLE.ignored_value, np.uint8)]
    judgement, *_ = judge(examples=write_examples(tmp_path / "ignored", masks), baseline={})
    assert judgement["blessed"] is False
    assert judgement["model"]["mean_iou"] is None
    assert judgement["reason"] == "no mean IoU: not one pixel of 1 test photos has a class"


def test_empty_split_is_refused(judge):
    with pytest.raises(UserError, match="split `eval` has no photos"):
        judge(split="eval")


def test_missing_split_is_refused(judge, tmp_path):
    examples = write_examples(tmp_path / "train_only", [])
    examples.split_names = artifact_utils.encode_split_names(["train"])
    with pytest.raises(UserError, match="split `test` has no photos"):
        judge(examples=examples)


def test_production_of_other_classes_is_refused(judge):
    two = ClassTable(classes=tiny_models.TABLE.classes[:2])
    with pytest.raises(UserError, match=r"knows the mask values \[1, 2\], the data has \[1, 2, 3\]"):
        judge(baseline={"classes": two})


@pytest.mark.slow
def test_engines_agree(judge, masks, tmp_path_factory):
    judgement, folder, _ = judge(
        candidate={"wrong": 0.1},
        beam_args=("--direct_running_mode=multi_processing", "--direct_num_workers=2"),
    )
    counts = reference(masks, wrong=0.1)
    assert judgement["examples"] == PHOTOS
    assert judgement["model"]["mean_iou"] == pytest.approx(float(mean_iou(counts[:, 0].sum(0))))
    rows = pq.read_table(folder / "photos.parquet").to_pylist()
    assert [row["counts_photo"] for row in rows] == counts[BY_NAME, 1].reshape(PHOTOS, -1).tolist()


def test_production_is_not_asked_again_about_photos_it_was_judged_on(judge, tmp_path):
    kept = tmp_path / "known_counts"
    first, *_ = judge(candidate={"wrong": 0.3}, known_counts=kept)
    (file,) = kept.iterdir()
    (tmp_path / "candidate").rename(tmp_path / "production")
    for folder in ("evaluation", "blessing"):
        shutil.rmtree(tmp_path / folder)
    again, *_ = judge(candidate={}, baseline=None, known_counts=kept)
    assert again["baseline"]["model"] == first["model"]
    assert len(list(kept.iterdir())) == 2

    table = pq.read_table(file)
    right = io.BytesIO()
    np.savez(right, counts=np.stack([np.eye(len(tiny_models.TABLE), dtype=np.int64)] * 2))
    forged = pa.table({"record": table["record"], "counted": [right.getvalue()] * len(table)}, table.schema)
    pq.write_table(forged, file)
    for folder in ("candidate", "evaluation", "blessing"):
        shutil.rmtree(tmp_path / folder)
    from_file, *_ = judge(candidate={}, baseline=None, known_counts=kept)
    assert from_file["baseline"]["model"]["mean_iou"] == 1.0
    assert file in kept.iterdir()
    assert len(list(kept.iterdir())) == 2
