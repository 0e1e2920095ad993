"""The last line of a step: how it ended, and with which status.

Kubeflow's launcher ends with status 1 whatever the step's was, and tells nobody what the step said.
"""

import signal
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from petseg.errors import UserError
from petseg.files.originals import with_originals

STOPPED_STATUS = 128 + signal.SIGTERM


class Stopped(BaseException):
    """SIGTERM: the step's time is over, or its pod is deleted."""


def run_to_the_last_line(name: str, run: Callable[[], str]) -> int:
    """Runs a step and prints how it ended; returns its exit status.

    Args:
        name: Of the node.
        run: The step; returns what it has to say.
    """
    signal.signal(signal.SIGTERM, _stop)
    try:
        status, said = 0, run()
    except Stopped:
        status, said = STOPPED_STATUS, "stopped: timeout_seconds are over, or the pod was deleted"
    except UserError as error:
        traceback.print_exc()
        status, said = error.exit_status, str(error)
    except Exception as error:
        traceback.print_exc()
        status, said = 1, f"{type(error).__name__}: {error}"
    sys.stdout.flush()
    first_line = (with_originals(said).splitlines() or [""])[0]
    print(f"petseg: {name} ended with exit status {status}: {first_line}", file=sys.stderr, flush=True)
    return status


def _stop(signal_number: int, frame: object) -> NoReturn:
    raise Stopped
