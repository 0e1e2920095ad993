"""A clock that can be turned, for schedules."""

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from unittest import mock

import apscheduler.executors.base
import apscheduler.schedulers.base

LOOKS_AT_THE_CLOCK = (apscheduler.schedulers.base, apscheduler.executors.base)


class FakeClock:
    """What APScheduler takes for the time while `turned` lasts.

    Attributes:
        time: With a time zone.
    """

    def __init__(self, time: datetime):
        self.time = time

    def turn(self, **forward: float) -> None:
        """Turns it forward; the arguments are timedelta's."""
        self.time += timedelta(**forward)

    @contextlib.contextmanager
    def turned(self) -> Iterator["FakeClock"]:
        """Shows its time to APScheduler."""
        clock = self

        class Shown(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> "Shown":
                return cls.fromtimestamp(clock.time.timestamp(), tz)

        with contextlib.ExitStack() as stack:
            for module in LOOKS_AT_THE_CLOCK:
                stack.enter_context(mock.patch.object(module, "datetime", Shown))
            yield self
