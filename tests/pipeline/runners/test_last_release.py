from pipeline.paths import Paths
from pipeline.runners.local.last_release import move_to_work


def test_unfinished_trainings_and_known_counts_move_to_the_work_folder(tmp_path):
    root, work = tmp_path / "pipeline_root", tmp_path / "work"
    for file in (
        root / "checkpoints" / "old" / "float32" / "checkpoint",
        root / "known_counts" / "old.parquet",
    ):
        file.parent.mkdir(parents=True)
        file.write_text("old")
    (root / "Trainer").mkdir()
    (work / "checkpoints" / "new").mkdir(parents=True)
    paths = Paths(str(root), "", str(work))
    for _ in range(2):
        move_to_work(paths)
        assert {path.name for path in root.iterdir()} == {"Trainer"}
        assert {path.name for path in (work / "checkpoints").iterdir()} == {"old", "new"}
        assert (work / "checkpoints" / "old" / "float32" / "checkpoint").read_text() == "old"
        assert (work / "known_counts" / "old.parquet").read_text() == "old"
