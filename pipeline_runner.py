"""The command line of Petseg; its commands are in pipeline/commands."""

import sys

try:
    import typer
except ModuleNotFoundError as missing:
    sys.exit(
        f"error: {sys.executable} has no {missing.name}: `make setup` installs all into .venv, and "
        "`source .venv/bin/activate` makes that the `python` of this shell"
    )

from petseg.errors import UserError
from pipeline.commands.options import PROGRAM
from pipeline.commands.registry import command_line


def main() -> None:
    """Runs the command; an error that the caller can fix is one line, not a traceback."""
    try:
        sys.exit(command_line()(sys.argv[1:] or ["--help"], prog_name=PROGRAM, standalone_mode=False))
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_status)
    except typer.TyperException as error:
        said = getattr(error, "format_message", error.__str__)()
        typer.echo(f"error: {' '.join(said.split()).rstrip('.')}; --help shows what there is", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("interrupted", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
