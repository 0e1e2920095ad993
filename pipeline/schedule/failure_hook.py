"""Notifications of failed scheduled runs."""

import json
import os
import shlex
import subprocess
from typing import Any

import requests
import tenacity

from pipeline.schedule.settings import ScheduleSettings

COMMAND_SECONDS = 60
REQUEST_SECONDS = 10
TRIES = 4


def notify_of_failure(settings: ScheduleSettings, failure: dict[str, Any]) -> list[str]:
    """Runs the command and posts to the webhook, if they are set.

    Args:
        settings: Whom to notify.
        failure: The content of the JSON object.

    Returns:
        What went wrong, without the webhook's URL, which may be a secret.
    """
    problems = []
    if settings.on_failure_command:
        problems += _run_command(settings.on_failure_command, json.dumps(failure))
    if settings.on_failure_webhook:
        problems += _post(settings.on_failure_webhook, failure)
    return problems


def _run_command(command: str, text: str) -> list[str]:
    try:
        done = subprocess.run(
            shlex.split(command),
            input=text,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return [f"on_failure_command: {type(error).__name__}: {error}"]
    return [f"on_failure_command ended with {done.returncode}"] if done.returncode else []


def _post(variable: str, failure: dict[str, Any]) -> list[str]:
    url = os.environ.get(variable)
    if not url:
        return [f"on_failure_webhook: environment variable {variable} is not set"]
    try:
        _post_once(url, failure)
    except requests.HTTPError as error:
        return [f"on_failure_webhook: the server of {variable} answered {error.response.status_code}"]
    except requests.RequestException as error:
        return [f"on_failure_webhook: cannot reach the server of {variable} ({type(error).__name__})"]
    return []


def _worth_another_try(error: BaseException) -> bool:
    if isinstance(error, requests.HTTPError):
        return error.response.status_code == 429 or error.response.status_code >= 500
    return isinstance(error, requests.ConnectionError | requests.Timeout)


@tenacity.retry(
    retry=tenacity.retry_if_exception(_worth_another_try),
    stop=tenacity.stop_after_attempt(TRIES),
    wait=tenacity.wait_exponential(multiplier=0.5, max=30),
    reraise=True,
)
def _post_once(url: str, failure: dict[str, Any]) -> None:
    requests.post(url, json=failure, timeout=REQUEST_SECONDS).raise_for_status()
