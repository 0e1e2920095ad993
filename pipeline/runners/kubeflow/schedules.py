"""Schedules on Kubeflow Pipelines: its recurring runs."""

from pathlib import Path
from typing import Any

from petseg.errors import UserError
from pipeline.runners.kubeflow.client import KubeflowClient, compiled_root
from pipeline.runners.runner import ScheduleEntry

PAGE = 100


class KubeflowSchedules(KubeflowClient):
    """The recurring runs of one pipeline."""

    def add(self, name: str, cron: str, compiled: Path) -> str:
        """Creates a recurring run: one run at a time, and of several missed runs only the last.

        Returns:
            URL of its page.

        Raises:
            UserError: The deployment refuses, or has a recurring run of that name.
        """
        with self._refusals():
            client = self._client()
            experiment = client.create_experiment(self._name, namespace=self._namespace)
            self._refuse_same_name(name, client)
            created = client.create_recurring_run(
                experiment_id=experiment.experiment_id,
                job_name=name,
                # Kubeflow's cron expressions begin with seconds.
                cron_expression=f"0 {cron}",
                max_concurrency=1,
                no_catchup=True,
                pipeline_package_path=str(compiled),
                service_account=self._service_account,
                pipeline_root=compiled_root(compiled),
            )
        return f"{self._host}/#/recurringrun/details/{created.recurring_run_id}"

    def entries(self) -> list[ScheduleEntry]:
        """All recurring runs of the namespace, by name."""
        with self._refusals():
            found = self._all(self._client())
        return sorted(
            (
                ScheduleEntry(
                    name=run.display_name,
                    cron=(run.trigger.cron_schedule.cron if run.trigger.cron_schedule else "").removeprefix(
                        "0 "
                    ),
                    state="due" if run.status == "ENABLED" else str(run.status or "unknown").lower(),
                )
                for run in found
            ),
            key=lambda entry: entry.name,
        )

    def pause(self, name: str) -> None:
        """Pauses a recurring run."""
        with self._refusals():
            client = self._client()
            client.disable_recurring_run(self._id(name, client))

    def resume(self, name: str) -> None:
        """Resumes a recurring run; missed runs are skipped."""
        with self._refusals():
            client = self._client()
            client.enable_recurring_run(self._id(name, client))

    def delete(self, name: str) -> None:
        """Deletes a recurring run; the runs that it started stay."""
        with self._refusals():
            client = self._client()
            client.delete_recurring_run(self._id(name, client))

    def _all(self, client: Any) -> list[Any]:
        found: list[Any] = []
        token = ""
        while True:
            page = client.list_recurring_runs(page_token=token, page_size=PAGE, namespace=self._namespace)
            found += page.recurring_runs or []
            token = page.next_page_token
            if not token:
                return found

    def _id(self, name: str, client: Any) -> str:
        runs = self._all(client)
        for run in runs:
            if run.display_name == name:
                return run.recurring_run_id
        known = ", ".join(sorted(run.display_name for run in runs)) or "none"
        raise UserError(f"no recurring run {name} on {self._host}; there are: {known}")

    def _refuse_same_name(self, name: str, client: Any) -> None:
        if any(run.display_name == name for run in self._all(client)):
            raise UserError(
                f"a recurring run {name} exists on {self._host}; delete it first, or choose another --name"
            )
