"""Turns crontab expressions into APScheduler's triggers, whose weekdays and rules differ."""

import re
from typing import Any

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from petseg.errors import UserError

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
"""In cron's order: 0 is Sunday, as is 7. APScheduler counts from Monday."""

FIELD = re.compile(r"[0-9a-z*,/-]+")


def cron_trigger(expression: str) -> BaseTrigger:
    """Builds the trigger of a crontab expression, in the machine's time zone.

    As in cron, a day of the month and a weekday that are both given are alternatives: `0 3 13 * 5` means
    every 13th and every Friday.

    Args:
        expression: Minute, hour, day of the month, month, weekday.

    Raises:
        UserError: The expression is not valid.
    """
    fields = expression.lower().split()
    if len(fields) != 5 or not all(map(FIELD.fullmatch, fields)):
        raise UserError(
            f"--cron {expression!r} must be minute, hour, day of the month, month and weekday, such as "
            "'0 3 * * 1' for Mondays at 3:00"
        )
    minute, hour, day, month, weekday = fields
    time: dict[str, Any] = {"minute": minute, "hour": hour, "month": month}
    try:
        weekday = _weekdays(weekday)
        if day.startswith("*") or weekday == "*":
            return CronTrigger(day=day, day_of_week=weekday, **time)
        return OrTrigger([CronTrigger(day=day, **time), CronTrigger(day_of_week=weekday, **time)])
    except ValueError as error:
        raise UserError(f"--cron {expression!r}: {error}") from None


def cluster_cron(expression: str) -> str:
    """The same expression with weekdays by name, because schedulers number them differently.

    Raises:
        UserError: The expression is not valid.
    """
    cron_trigger(expression)
    *fields, weekday = expression.lower().split()
    return " ".join([*fields, _weekdays(weekday).upper()])


def _weekdays(field: str) -> str:
    """Weekdays of a crontab expression by name."""
    if field == "*":
        return field
    days: set[int] = set()
    for term in field.split(","):
        span, _, step = term.partition("/")
        first, _, last = ("0", "-", "6") if span == "*" else span.partition("-")
        low = _weekday(first)
        high = _weekday(last or ("6" if step else first))
        if high == 0 and low > 0:
            high = 7
        if high < low or step == "0":
            raise ValueError(f"{term!r} is not a weekday")
        days.update(day % 7 for day in range(low, high + 1, int(step or 1)))
    return ",".join(WEEKDAYS[day] for day in sorted(days))


def _weekday(word: str) -> int:
    if word in WEEKDAYS:
        return WEEKDAYS.index(word)
    if not word.isdecimal() or int(word) > 7:
        raise ValueError(f"{word!r} is not a weekday; use 0 (Sunday) to 6, or sun to sat")
    return int(word)
