"""The command line of Petseg."""

import sys
from pathlib import Path
from typing import Annotated, Literal

try:
    import typer
except ModuleNotFoundError as missing:
    sys.exit(
        f"error: {sys.executable} has no {missing.name}: `make setup` installs all into .venv, and "
        "`source .venv/bin/activate` makes that the `python` of this shell"
    )

from pipeline.commands.options import Config, Data, Output, Overrides, with_shorts
from pipeline.commands.schedule import app as schedule_app

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Photos and masks in, a judged and pushed segmentation model out.",
)
app.add_typer(schedule_app, name="schedule")


@app.command(epilog="Example: `python pipeline_runner.py run --config configs/demo.yaml --data runs/sample`")
def run(
    config: Config = None,
    data: Data = None,
    output: Output = None,
    override: Overrides = None,
    from_node: Annotated[
        str | None, typer.Option("--from", help="First node to run; the rest is taken from the last run.")
    ] = None,
    to_node: Annotated[str | None, typer.Option("--to", help="Last node to run.")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Run every node, changed or not.")] = False,
) -> None:
    """Run the whole pipeline here: read, check, transform, train, judge, push.

    Exit status: 0 done; 1 a node failed; 2 settings, arguments or data must change; 3 trained but refused;
    130 interrupted. The same command again goes on where a stopped run was.
    """
    from pipeline.runners.local.run import RunOptions, run_local
    from pipeline.settings import load_settings, output_folder

    settings = load_settings(config, with_shorts(override, data, output))
    options = RunOptions(from_node, to_node, enable_cache=not no_cache)
    outcome = run_local(settings, output_folder(settings, config), options)
    for line in outcome.lines:
        typer.echo(line, err=line.startswith("error:"))
    raise typer.Exit(outcome.status)


@app.command(
    "sample-data", epilog="Example: `python pipeline_runner.py sample-data --output runs/sample --pairs 200`"
)
def sample_data(
    output: Annotated[Path, typer.Option(help="Folder to make.", metavar="DIR")],
    pairs: Annotated[int, typer.Option(min=1, help="Number of photos with masks.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the drawings.")] = 0,
) -> None:
    """Draw a sample data set of cats and dogs in the official layout."""
    from pipeline.sample_data import write_sample

    write_sample(output, pairs, seed)
    typer.echo(f"{pairs} pairs in {output}")


@app.command(epilog="Example: `python pipeline_runner.py fetch --output oxford_pets`")
def fetch(
    output: Annotated[Path, typer.Option(help="Folder for images/ and annotations/.", metavar="DIR")],
) -> None:
    """Download the Oxford-IIIT Pet data set (800 MB); goes on where it was cut."""
    from pipeline.download.pets import fetch as fetch_archives

    fetch_archives(output)
    typer.echo(f"Oxford-IIIT Pet in {output}")


@app.command(
    epilog="Example: `python pipeline_runner.py predict --model runs/demo/serving_model "
    "--images runs/sample/images --output runs/predictions`"
)
def predict(
    model: Annotated[Path, typer.Option(help="A pushed version, or the folder of versions.", metavar="DIR")],
    images: Annotated[list[Path], typer.Option(help="A photo or a folder; may be repeated.", metavar="PATH")],
    output: Annotated[Path, typer.Option(help="Folder for masks, overlays and shares.csv.", metavar="DIR")],
) -> None:
    """Segment photos with a pushed model.

    A file that is no photo is named and skipped; the exit status is then 1.
    """
    from pipeline.prediction.predict import predict as predict_photos

    unreadable = predict_photos(model, images, output)
    for line in unreadable:
        typer.echo(f"error: {line}", err=True)
    typer.echo(f"masks, overlays and class shares in {output}")
    raise typer.Exit(1 if unreadable else 0)


@app.command("app", epilog="Example: `python pipeline_runner.py app --model runs/demo/serving_model`")
def app_(
    model: Annotated[Path, typer.Option(help="A pushed version, or the folder of versions.", metavar="DIR")],
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets the whole network in.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="[default: the first free one from 7860]", metavar="N"),
    ] = None,
    max_upload_mb: Annotated[int, typer.Option(min=1, help="Larger files are refused.", metavar="MB")] = 20,
) -> None:
    """Serve a page on this machine to drop photos on: overlay, class shares, latency.

    Needs Gradio: `pip install 'petseg[app]'`. Nothing leaves the machine.
    """
    from pipeline.prediction.app import AppOptions, serve

    serve(model, AppOptions(host, port, max_upload_mb))


@app.command(epilog="Example: `python pipeline_runner.py runs --output runs/demo`")
def runs(
    output: Annotated[Path | None, typer.Option(help="Output folder of the runs.", metavar="DIR")] = None,
    metadata: Annotated[
        str | None,
        typer.Option(
            help="Or a metadata.db, or env:NAME where that variable holds a database's URL.",
            metavar="STORE",
        ),
    ] = None,
) -> None:
    """List all runs: when, with which settings, figures, verdict, version, which is in production."""
    from pipeline.commands.terminal import table_console
    from pipeline.runs.runs_table import list_table

    table_console().print(list_table(output, metadata))


@app.command(epilog="Example: `python pipeline_runner.py compare runs/demo runs/other --output compare.html`")
def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="DIR/runs/RUN_ID, or DIR for its newest run.", metavar="RUN...")
    ],
    output: Annotated[Path, typer.Option(help="The page to write.", metavar="FILE")] = Path("compare.html"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
) -> None:
    """Compare runs on the photos that all judged; the first is what the others are held against.

    Figures, a paired bootstrap over photos, settings that differ, slices and photos that moved most.
    """
    from pipeline.commands.terminal import table_console
    from pipeline.runs.comparison_page import compare as compare_runs

    table_console().print(compare_runs(runs, output, seed))


@app.command(epilog="Example: `python pipeline_runner.py rollback --output runs/demo --version 1767225600`")
def rollback(
    output: Annotated[Path, typer.Option(help="Output folder of the runs.", metavar="DIR")],
    version: Annotated[
        str | None, typer.Option(help="Version to bring back. [default: the last other one]", metavar="N")
    ] = None,
) -> None:
    """Bring an older model back to production, under a new version number."""
    from petseg.versions import rollback as bring_back
    from pipeline.paths import push_directory

    directory = push_directory(output)
    typer.echo(f"{directory}/{bring_back(directory, version)}")


@app.command(
    "compile",
    epilog="Example: `python pipeline_runner.py compile --target kubeflow --config configs/demo.yaml "
    "--output runs/demo_kubeflow.yaml --set data.path=/petseg/data "
    "--set runner.pipeline_root=/petseg/pipeline_root --set runner.image=petseg:cpu`",
)
def compile_(
    target: Annotated[Literal["kubeflow", "vertex"], typer.Option(help="The cluster.")],
    output: Annotated[Path, typer.Option(help="YAML for Kubeflow, JSON for Vertex.", metavar="FILE")],
    config: Config = None,
    override: Overrides = None,
) -> None:
    """Compile the pipeline into a file that Kubeflow Pipelines or Vertex Pipelines runs."""
    from pipeline.runners.compiled_file import compile_pipeline
    from pipeline.settings import load_settings

    compile_pipeline(load_settings(config, override or []), target, output)
    typer.echo(f"pipeline for {target} in {output}")


@app.command(
    epilog="Example: `python pipeline_runner.py submit --target kubeflow --file runs/demo_kubeflow.yaml "
    "--set runner.kubeflow.host=http://localhost:8888`"
)
def submit(
    target: Annotated[Literal["kubeflow", "vertex"], typer.Option(help="The cluster.")],
    file: Annotated[
        Path | None, typer.Option(help="What `compile` wrote. [default: compiled now]", metavar="FILE")
    ] = None,
    config: Config = None,
    override: Overrides = None,
) -> None:
    """Start a run of the pipeline on Kubeflow or Vertex Pipelines, and say where it can be watched.

    Address and project are settings of `runner.kubeflow` and `runner.vertex`; credentials are not: Kubeflow's
    token is in the file that KF_PIPELINES_SA_TOKEN_PATH names, Google's are its application default ones.
    """
    from pipeline.runners.submission import submit_pipeline
    from pipeline.settings import load_settings

    typer.echo(submit_pipeline(load_settings(config, override or []), target, file))


@app.command(
    epilog="Example: `python pipeline_runner.py plot --config configs/demo.yaml --output runs/network.png`"
)
def plot(
    output: Annotated[Path, typer.Option(help="A .png, .svg or .pdf file.", metavar="FILE")],
    config: Config = None,
    override: Overrides = None,
) -> None:
    """Draw the network: its layers, shapes, parameters, and which connections skip layers."""
    from pipeline.runs.run_log import quietly
    from pipeline.settings import load_settings

    training = load_settings(config, override or []).training
    with quietly():
        from pipeline.network_plot import plot as plot_network

        plot_network(training, output)
    typer.echo(f"network in {output}")


@app.command(epilog="Example: `python pipeline_runner.py settings --config configs/demo.yaml`")
def settings(config: Config = None, override: Overrides = None) -> None:
    """List all settings with their values and what they mean."""
    from pipeline.settings import describe_settings, load_settings

    typer.echo(describe_settings(load_settings(config, override or [])))


def main() -> None:
    """Runs the command; what a person can mend is one line, not a traceback."""
    from petseg.errors import UserError

    try:
        sys.exit(app(sys.argv[1:] or ["--help"], standalone_mode=False))
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
