"""The command line of Petseg; its commands are in pipeline/commands."""

import sys

try:
    import typer
except ModuleNotFoundError as missing:
    sys.exit(
        f"error: {missing.name} is not installed for {sys.executable}; run `make setup`, which installs "
        "everything into .venv, and then `source .venv/bin/activate`"
    )

from petseg.errors import UserError, describe_error
from pipeline.commands.options import PROGRAM
from pipeline.commands.registry import command_line


def main() -> None:
    """Runs the command; an error that the caller or the system can fix is one line, not a traceback."""
    try:
        sys.exit(command_line()(sys.argv[1:] or ["--help"], prog_name=PROGRAM, standalone_mode=False))
    except (UserError, OSError) as error:
        typer.echo(f"error: {describe_error(error)}", err=True)
        sys.exit(UserError.exit_status)
    except typer.TyperException as error:
        said = getattr(error, "format_message", error.__str__)()
        typer.echo(f"error: {' '.join(said.split()).rstrip('.')}; see --help", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("interrupted", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
