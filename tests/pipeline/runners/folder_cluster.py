"""A cluster whose runs and schedules are files of a folder."""

import json
import os
from pathlib import Path

from pipeline.beam_settings import LOCAL_ENGINES
from pipeline.paths import Paths
from pipeline.runners.reach import Reach
from pipeline.runners.runner import Cluster, ScheduleEntry
from pipeline.settings import PipelineSettings


class FolderCluster(Cluster):
    """Keeps what it gets in the folder that FOLDER_CLUSTER names."""

    gpu_type_pattern = r"gpu-\d+"
    gpu_type_example = "a number such as gpu-1"

    def reach(self, settings: PipelineSettings) -> Reach:
        return Reach("/", "", LOCAL_ENGINES, "")

    def paths(self, settings: PipelineSettings) -> Paths:
        root = settings.runner.pipeline_root or "/r"
        return Paths(root, push_directory=settings.push.directory or f"{root}/serving_model", work=root)

    def compile(self, settings: PipelineSettings, paths: Paths) -> str:
        return json.dumps({"folder_pipeline": settings.name, "root": paths.pipeline_root})

    def is_compiled(self, text: str) -> bool:
        return "folder_pipeline" in json.loads(text)

    def connect(self, settings: PipelineSettings) -> "Folder":
        return Folder()

    def schedules(self, settings: PipelineSettings, store: Path) -> "Folder":
        return Folder()


class Folder:
    def __init__(self):
        self._path = Path(os.environ["FOLDER_CLUSTER"])

    def submit(self, compiled: Path) -> str:
        return self.add("run", "", compiled)

    def add(self, name: str, cron: str, compiled: Path) -> str:
        file = self._path / f"{name}.json"
        file.write_text(json.dumps(json.loads(compiled.read_text()) | {"cron": cron, "state": "due"}))
        return file.as_uri()

    def entries(self) -> list[ScheduleEntry]:
        kept = {file.stem: json.loads(file.read_text()) for file in sorted(self._path.iterdir())}
        return [ScheduleEntry(name, found["cron"], found["state"]) for name, found in kept.items()]

    def pause(self, name: str) -> None:
        file = self._path / f"{name}.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"state": "paused"}))

    def resume(self, name: str) -> None:
        raise NotImplementedError

    def delete(self, name: str) -> None:
        (self._path / f"{name}.json").unlink()
