"""Flink's REST API.

See https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/rest_api/.
"""

import json
import re
import urllib.request
from dataclasses import dataclass
from typing import Any

from petseg.errors import UserError
from pipeline.beam_checks.check import SECONDS


@dataclass(frozen=True)
class TaskManager:
    """A process of Flink that runs tasks.

    Attributes:
        name: Its id.
        network_memory: Bytes of its network memory.
    """

    name: str
    network_memory: int


class FlinkRest:
    """What a Flink cluster says of itself.

    Raises:
        UserError: Each method: nothing answers, or what answers is not Flink.
    """

    def __init__(self, address: str):
        self._url = address.rstrip("/") if re.match("https?://", address) else f"http://{address}"

    def version(self) -> str:
        """Version, such as 1.19.3."""
        return str(self._ask("config", "flink-version"))

    def slots(self) -> tuple[int, int]:
        """Numbers of free slots and of all slots."""
        return int(self._ask("overview", "slots-available")), int(self._ask("overview", "slots-total"))

    def configuration(self) -> dict[str, str]:
        """The JobManager's configuration, without values that are left at their defaults."""
        entries = self._ask("jobmanager/config")
        try:
            return {entry["key"]: entry["value"] for entry in entries}
        except (KeyError, TypeError):
            raise self._not_flink("jobmanager/config") from None

    def task_managers(self) -> list[TaskManager]:
        """All TaskManagers that have registered."""
        try:
            return [
                TaskManager(found["id"], int(found["memoryConfiguration"]["networkMemory"]))
                for found in self._ask("taskmanagers", "taskmanagers")
            ]
        except (KeyError, TypeError):
            raise self._not_flink("taskmanagers") from None

    def cancel_job(self, name: str) -> None:
        """Cancels the job of this name that has not ended, if there is exactly one."""
        try:
            jobs = [
                found["jid"]
                for found in self._ask("jobs/overview", "jobs")
                if found["name"] == name and found["end-time"] < 0
            ]
        except (KeyError, TypeError):
            raise self._not_flink("jobs/overview") from None
        if len(jobs) == 1:
            self._ask(f"jobs/{jobs[0]}?mode=cancel", method="PATCH")

    def _ask(self, path: str, key: str | None = None, method: str = "GET") -> Any:
        request = urllib.request.Request(f"{self._url}/{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                content = json.load(answer)
            return content if key is None else content[key]
        except OSError as error:
            cause = getattr(error, "reason", error)
            why = getattr(cause, "strerror", "") or cause
            raise UserError(
                f"beam.address: Flink does not answer at {self._url}/{path}: {why}; start it, or correct the "
                "address to that of its REST API"
            ) from None
        except (ValueError, KeyError, TypeError):
            raise self._not_flink(path) from None

    def _not_flink(self, path: str) -> UserError:
        return UserError(
            f"beam.address: what answers at {self._url}/{path} is not Flink; name the address of its REST "
            "API, port 8081 by default"
        )
