"""Crontab expressions mean what cron means by them."""

from datetime import datetime, timedelta, timezone

import pytest

from petseg.errors import UserError
from pipeline.schedule.cron import cron_trigger

SATURDAY = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


def fires(expression: str, count: int) -> list[datetime]:
    trigger = cron_trigger(expression)
    times: list[datetime] = []
    now = SATURDAY
    while len(times) < count:
        times.append(trigger.get_next_fire_time(times[-1] if times else None, now))
        now = times[-1] + timedelta(seconds=1)
    return times


@pytest.mark.parametrize(
    ("weekdays", "expected"),
    [
        ("1", ["Mon", "Mon"]),
        ("0", ["Sun", "Sun"]),
        ("7", ["Sun", "Sun"]),
        ("mon", ["Mon", "Mon"]),
        ("1-5", ["Mon", "Tue", "Wed", "Thu", "Fri", "Mon"]),
        ("5-7", ["Sun", "Fri", "Sat", "Sun"]),
        ("fri-sun", ["Sun", "Fri", "Sat", "Sun"]),
        ("0,6", ["Sun", "Sat", "Sun"]),
        ("*/2", ["Sun", "Tue", "Thu", "Sat", "Sun"]),
        ("1-5/2", ["Mon", "Wed", "Fri", "Mon"]),
        ("*", ["Sun", "Mon", "Tue"]),
    ],
)
def test_weekdays_are_crons(weekdays, expected):
    times = fires(f"0 3 * * {weekdays}", len(expected))
    assert [f"{time:%a}" for time in times] == expected
    assert {(time.hour, time.minute) for time in times} == {(3, 0)}


def test_a_day_and_a_weekday_are_alternatives_as_in_cron():
    days = [(time.month, time.day) for time in fires("0 3 13 * 5", 5)]
    assert days == [(11, 27), (12, 4), (12, 11), (12, 13), (12, 18)]


def test_every_hour_in_two_months():
    assert [(time.month, time.day, time.hour) for time in fires("30 */12 1 1,2 *", 4)] == [
        (1, 1, 0), (1, 1, 12), (2, 1, 0), (2, 1, 12),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "0 3 * *",
        "0 3 * * * *",
        "61 3 * * 1",
        "0 3 * * 8",
        "0 3 * * 5-1",
        "0 3 * * */0",
        "x 3 * * 1",
        "@weekly",
    ],
)
def test_what_is_no_expression_is_one_line(expression):
    with pytest.raises(UserError, match=r"--cron '.*': |must be minute") as error:
        cron_trigger(expression)
    assert "\n" not in str(error.value)
