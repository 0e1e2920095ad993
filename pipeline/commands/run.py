"""`run`: the whole pipeline on this machine."""

from typing import Annotated

import typer

from petseg.errors import UserError, describe_error
from pipeline.commands.options import Config, Data, Output, Overrides, example, with_shorts

app = typer.Typer()


@app.command(epilog=example("run --config configs/demo.yaml --data runs/sample"))
def run(
    config: Config = None,
    data: Data = None,
    output: Output = None,
    override: Overrides = None,
    from_node: Annotated[
        str | None,
        typer.Option("--from", help="First node to run. Nodes before it keep their newest results that fit."),
    ] = None,
    to_node: Annotated[str | None, typer.Option("--to", help="Last node to run.")] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Run every node, even if nothing changed.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON on stdout and everything else on stderr.")
    ] = False,
) -> None:
    """Run the whole pipeline on this machine: read, check, transform, train, evaluate, push.

    Exit status: 0 done; 1 a node failed; 2 the settings, the arguments or the data must change; 3 the model
    was trained but refused; 130 interrupted. To resume a stopped run, run the same command again.
    """
    from pipeline.commands.terminal import show_json
    from pipeline.runners.local.run import RunOptions, run_local
    from pipeline.runs.outcome import Outcome
    from pipeline.settings import load_settings, output_folder

    try:
        settings = load_settings(config, with_shorts(override, data, output))
        options = RunOptions(from_node, to_node, enable_cache=not no_cache, progress_on_stderr=as_json)
        outcome = run_local(settings, output_folder(settings, config), options)
    except (UserError, OSError) as error:
        if not as_json:
            raise
        reason = describe_error(error)
        outcome = Outcome(UserError.exit_status, "error", reason, [f"error: {reason}"])
    for line in outcome.lines:
        typer.echo(line, err=as_json or line.startswith("error:"))
    if as_json:
        show_json(outcome.to_dict())
    raise typer.Exit(outcome.status)
