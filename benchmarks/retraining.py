"""Three spans arrive, one a week; the last one is poisoned.

    python -m benchmarks.retraining --data "$PETSEG_DATA" --output runs/retraining_benchmark \
        [--config configs/retraining.yaml] [--set KEY=VALUE]...

Divides a data set in the official layout into three spans by the hash of the names, and makes a schedule for
Mondays at three that runs where there is new data. A turned clock lets three Mondays pass, before each of
which one span arrives. In the third the masks are exchanged at random. Prints what became of each Monday as a
Markdown table; the schedule, its logs and the runs stay in the output folder, which must be new.
"""

import argparse
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.fake_clock import FakeClock
from components.example_gen.readers.pets import MASKS, PHOTOS, TEST_LIST, TRAINVAL_LIST
from petseg.versions import production_version
from pipeline.runners.local.schedules import LocalSchedules
from pipeline.schedule.history import Firing, History, database
from pipeline.schedule.schedule import Schedule

SPANS = 3
SUNDAY_NIGHT = datetime(2026, 11, 22, 23)
NAME = "weekly"


@dataclass(frozen=True)
class Week:
    """What became of one Monday.

    Attributes:
        firing: The schedule's own record.
        metrics: The run's metrics.json; None where there was no run.
        in_production: Version in production afterwards.
    """

    firing: Firing
    metrics: dict[str, Any] | None
    in_production: str


def write_spans(data: Path, folder: Path) -> None:
    """Divides a data set into `folder/.span-1`, ... by the names' hash; a dot says: not yet arrived."""
    for number in range(1, SPANS + 1):
        for part in (PHOTOS, MASKS):
            (folder / f".span-{number}" / part).mkdir(parents=True)
    for file in (TRAINVAL_LIST, TEST_LIST):
        for line in (data / file).read_text().splitlines():
            if line and not line.startswith("#"):
                name = line.split()[0]
                span = folder / f".span-{1 + int(sha256(f'span of {name}'.encode()).hexdigest(), 16) % SPANS}"
                for part in (f"{PHOTOS}/{name}.jpg", f"{MASKS}/{name}.png"):
                    with suppress(FileNotFoundError):
                        shutil.copyfile(data / part, span / part)
                with (span / file).open("a") as listed:
                    listed.write(f"{line}\n")


def poison(span: Path, seed: int = 0) -> None:
    """Gives each photo another one's mask, brought to the photo's size: nothing but the content is wrong."""
    masks = sorted((span / MASKS).iterdir())
    contents = [Image.open(mask).copy() for mask in masks]
    sizes = [content.size for content in contents]
    random.Random(seed).shuffle(contents)
    for file, content, size in zip(masks, contents, sizes, strict=True):
        content.resize(size, Image.Resampling.NEAREST).save(file)


def retrain_weekly(data: Path, output: Path, config: str, overrides: tuple[str, ...]) -> Iterator[Week]:
    """Lets three Mondays pass and yields what became of each.

    Args:
        data: Data set in the official layout.
        output: New folder for spans, store and runs.
        config: YAML of the runs.
        overrides: `key=value`, laid over it; one of the two sets `data.spans`.
    """
    output = output.resolve()
    spans, store, runs = output / "spans", output / "store", output / "runs_of_schedule"
    write_spans(data, spans)
    poison(spans / f".span-{SPANS}")
    schedule = Schedule(
        name=NAME,
        cron="0 3 * * 1",
        only_if="new-data",
        folder=os.getcwd(),
        config=config,
        overrides=(f"data.path={spans}", f"output={runs}", *overrides),
        grace_seconds=3600,
        hook={},
    )
    schedules, history = LocalSchedules(store), History(database(store))
    with FakeClock(SUNDAY_NIGHT.astimezone()).turned() as clock:
        schedules.add(schedule)
        with schedules.running() as scheduler:
            for week in range(1, SPANS + 1):
                (spans / f".span-{week}").rename(spans / f"span-{week}")
                clock.turn(**{"hours": 4} if week == 1 else {"weeks": 1})
                scheduler.wakeup()
                while len(ended := [firing for firing in history.of(NAME) if firing.ended]) < week:
                    time.sleep(0.5)
                metrics = runs / "runs" / str(ended[-1].run_id) / "metrics.json"
                yield Week(
                    ended[-1],
                    json.loads(metrics.read_text()) if metrics.exists() else None,
                    production_version(runs / "serving_model"),
                )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--config", default="configs/retraining.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    if arguments.output.exists():
        sys.exit(f"error: {arguments.output} must be new")
    print("| span | status | mean IoU | production's | in production then | outcome |")
    print("|---|---|---|---|---|---|")
    weeks = retrain_weekly(arguments.data, arguments.output, arguments.config, tuple(arguments.set))
    for number, week in enumerate(weeks, start=1):
        model, baseline = (week.metrics or {}).get("model"), (week.metrics or {}).get("baseline")
        means = [
            f"{metrics['mean_iou']:.4f}" if metrics else "none"
            for metrics in (model, baseline and baseline["model"])
        ]
        row = (str(number), str(week.firing.status), *means, week.in_production, week.firing.outcome)
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
