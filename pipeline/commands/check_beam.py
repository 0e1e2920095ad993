"""`check-beam`: whether a run would work on its Beam engine."""

from dataclasses import asdict

import typer

from petseg.errors import UserError
from pipeline.commands.options import AsJson, Config, Data, Output, Overrides, example, with_shorts

app = typer.Typer()


@app.command("check-beam", epilog=example("check-beam --config configs/demo.yaml --data runs/sample"))
def check_beam(
    config: Config = None,
    data: Data = None,
    output: Output = None,
    override: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Try the Beam engine of a config, one step after another, up to the first that fails.

    The address, the job server, Flink's slots and memory, the worker pool, and a pipeline of ten elements on
    the workers, which compares versions and folders. Nothing is left in the output. Exit status: 0 a run
    would work; 2 something must change.
    """
    from pipeline.beam_checks.engine import check_engine, engine_run
    from pipeline.commands.terminal import show_json
    from pipeline.settings import load_settings, output_folder

    settings = load_settings(config, with_shorts(override, data, output))
    steps = []
    for step in check_engine(engine_run(settings, output_folder(settings, config)), full=True):
        steps.append(step)
        if not as_json:
            typer.echo(f"{step.status:<8} {step.step:<21} {step.detail}")
    failed = [step for step in steps if step.status == "failed"]
    if as_json:
        show_json(
            {"engine": settings.beam.engine, "ok": not failed, "steps": [asdict(step) for step in steps]}
        )
    elif not steps:
        typer.echo(f"beam.engine {settings.beam.engine} runs on this machine: there is nothing to check")
    if failed:
        raise UserError(failed[0].detail)
