"""`schedule`: runs the pipeline on a schedule."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import (
    PROGRAM,
    AsJson,
    Commands,
    Config,
    Data,
    Output,
    Overrides,
    Target,
    example,
    with_shorts,
)
from pipeline.runners.registry import LOCAL
from pipeline.schedule.conditions import OnlyIf

app = typer.Typer(
    name="schedule",
    cls=Commands,
    rich_markup_mode="markdown",
    epilog=example('schedule --target local --cron "0 3 * * 1" --config configs/retraining.yaml --data spans')
    + f" && {PROGRAM} schedule start",
)

Store = Annotated[Path, typer.Option(help="Folder with the schedules of this machine.", metavar="DIR")]
Name = Annotated[str, typer.Argument(help="Name of the schedule.", metavar="NAME")]
STORE = Path("runs/schedules")


@app.callback(invoke_without_command=True)
def create(
    context: typer.Context,
    target: Target = LOCAL,
    cron: Annotated[
        str | None,
        typer.Option(help="Minute, hour, day, month, weekday: local time here, UTC on clusters."),
    ] = None,
    only_if: Annotated[
        OnlyIf,
        typer.Option(
            help="new-data: files changed since the last evaluated model. drift: the newest span differs "
            "from the data of the model in production. always: no condition."
        ),
    ] = "always",
    name: Annotated[
        str | None, typer.Option(help="Name of the schedule. [default: name of the config]", metavar="NAME")
    ] = None,
    config: Config = None,
    data: Data = None,
    output: Output = None,
    override: Overrides = None,
    store: Store = STORE,
) -> None:
    """Run the pipeline on a schedule.

    Without a subcommand this creates a schedule on this machine or on a cluster. On this machine, `schedule
    start` runs what is due, one run at a time. Of several missed runs it makes up for one, if that is at most
    `schedule.grace_hours` late. If a run fails or its model is refused, the model in production stays, and
    `schedule.on_failure_command` and `schedule.on_failure_webhook` are notified.
    """
    if context.invoked_subcommand is not None:
        return
    from pipeline.schedule.creation import create_schedule

    overrides = with_shorts(override, data, output)
    typer.echo(create_schedule(target, cron, only_if, name, config, overrides, store))


@app.command("list", epilog=example("schedule list"))
def list_(
    name: Annotated[
        str | None,
        typer.Argument(help="Show all runs of this schedule (this machine only).", metavar="[NAME]"),
    ] = None,
    target: Target = LOCAL,
    config: Config = None,
    override: Overrides = None,
    store: Store = STORE,
    as_json: AsJson = False,
) -> None:
    """List schedules: next run, and status, outcome and log of the last run."""
    from dataclasses import asdict

    from pipeline.commands.terminal import show_json, show_table
    from pipeline.schedule.tables import firings_table, runs_of, schedules_json, schedules_table
    from pipeline.schedule.targets import schedules_at

    if name is not None:
        firings = runs_of(store, name)
        if as_json:
            show_json([asdict(firing) for firing in firings])
        else:
            show_table(firings_table(name, firings))
        return
    with schedules_at(target, store, config, override) as schedules:
        entries = schedules.entries()
    if as_json:
        show_json(schedules_json(entries))
    else:
        show_table(schedules_table(f"Schedules in {store if target == LOCAL else target}", entries))


@app.command(epilog=example("schedule pause retraining"))
def pause(
    name: Name,
    target: Target = LOCAL,
    config: Config = None,
    override: Overrides = None,
    store: Store = STORE,
) -> None:
    """Pause a schedule until it is resumed."""
    from pipeline.schedule.targets import schedules_at

    with schedules_at(target, store, config, override) as schedules:
        schedules.pause(name)
    typer.echo(f"{name} is paused")


@app.command(epilog=example("schedule resume retraining"))
def resume(
    name: Name,
    target: Target = LOCAL,
    config: Config = None,
    override: Overrides = None,
    store: Store = STORE,
) -> None:
    """Resume a paused schedule. Missed runs are not started later."""
    from pipeline.schedule.targets import schedules_at

    with schedules_at(target, store, config, override) as schedules:
        schedules.resume(name)
    typer.echo(f"{name} is resumed")


@app.command(epilog=example("schedule delete retraining"))
def delete(
    name: Name,
    target: Target = LOCAL,
    config: Config = None,
    override: Overrides = None,
    store: Store = STORE,
) -> None:
    """Delete a schedule. Its runs, logs and models stay."""
    from pipeline.schedule.targets import schedules_at

    with schedules_at(target, store, config, override) as schedules:
        schedules.delete(name)
    typer.echo(f"{name} is deleted")


@app.command(epilog=example("schedule start"))
def start(store: Store = STORE) -> None:
    """Run the due schedules of this machine until stopped; for systemd, a container or a terminal."""
    from pipeline.runners.local.schedules import LocalSchedules

    typer.echo(f"running the schedules of {store}")
    LocalSchedules(store).run_until_stopped()


@app.command(epilog=example("schedule fire retraining"))
def fire(name: Name, store: Store = STORE) -> None:
    """Run a schedule's pipeline now, as if it were due; for cron and systemd timers.

    Exit status: that of `run`, or 0 if there was nothing to do.
    """
    from pipeline.runners.local.schedules import LocalSchedules

    raise typer.Exit(LocalSchedules(store).fire(name))
