"""Schedules on Vertex AI Pipelines."""

from pathlib import Path
from typing import Any

from petseg.errors import UserError
from pipeline.runners.runner import ScheduleEntry
from pipeline.runners.vertex.client import VertexClient


class VertexSchedules(VertexClient):
    """The schedules of a project in a region."""

    def add(self, name: str, cron: str, compiled: Path) -> str:
        """Creates a schedule: one run at a time.

        Returns:
            URL of its page.

        Raises:
            UserError: Vertex refuses, or has a schedule of that name.
        """
        from google.cloud import aiplatform_v1

        request = aiplatform_v1.CreatePipelineJobRequest(
            parent=self._parent, pipeline_job=self._job(compiled)
        )
        schedule = aiplatform_v1.Schedule(
            display_name=name,
            cron=cron,
            max_concurrent_run_count=1,
            create_pipeline_job_request=request,
        )
        with self._refusals():
            client = self._client()
            if any(found.display_name == name for found in client.list_schedules(parent=self._parent)):
                raise UserError(
                    f"a schedule {name} exists in {self._parent}; delete it first, or choose another --name"
                )
            created = client.create_schedule(parent=self._parent, schedule=schedule)
        schedule_id = created.name.rsplit("/", 1)[-1]
        return (
            f"https://console.cloud.google.com/vertex-ai/locations/{self._region}/schedules/{schedule_id}"
            f"?project={self._project}"
        )

    def entries(self) -> list[ScheduleEntry]:
        """All schedules of the project in the region, by name."""
        with self._refusals():
            found = list(self._client().list_schedules(parent=self._parent))
        return sorted(
            (
                ScheduleEntry(
                    name=schedule.display_name,
                    cron=schedule.cron,
                    state="due" if schedule.state.name == "ACTIVE" else schedule.state.name.lower(),
                )
                for schedule in found
            ),
            key=lambda entry: entry.name,
        )

    def pause(self, name: str) -> None:
        """Pauses a schedule."""
        with self._refusals():
            client = self._client()
            client.pause_schedule(name=self._resource(name, client))

    def resume(self, name: str) -> None:
        """Resumes a schedule; missed runs are skipped."""
        with self._refusals():
            client = self._client()
            client.resume_schedule(request={"name": self._resource(name, client), "catch_up": False})

    def delete(self, name: str) -> None:
        """Deletes a schedule; its runs stay."""
        with self._refusals():
            client = self._client()
            client.delete_schedule(name=self._resource(name, client))

    def _client(self) -> Any:
        from google.cloud import aiplatform_v1

        return self._service(aiplatform_v1.ScheduleServiceClient)

    def _resource(self, name: str, client: Any) -> str:
        found = {
            schedule.display_name: schedule.name for schedule in client.list_schedules(parent=self._parent)
        }
        if name not in found:
            known = ", ".join(sorted(found)) or "none"
            raise UserError(f"no schedule {name} in {self._parent}; there are: {known}")
        return found[name]
