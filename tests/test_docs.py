"""The documentation: what its commands, configs, and generated pages say exists."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from petseg.metrics.registry import METRICS
from pipeline.commands.registry import command_line
from pipeline.settings import describe_fields, load_settings
from tests.conftest import PROJECT

sys.path.append(str(PROJECT / "docs"))

from generators.commands import commands_page
from generators.metrics import metrics_page
from generators.run_files import run_files_page
from generators.settings import settings_page
from generators.signatures import endpoints

PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").rglob("*.md"))]
# Written by the reader.
PLACEHOLDERS = ("configs/mine.yaml", "FILE", "X.yaml")


def pages(pattern):
    """(page, match) for each match of a pattern in the documentation and the heads of configs."""
    for page in [*PAGES, *sorted((PROJECT / "configs").glob("*.yaml"))]:
        text = page.read_text()
        if page.suffix == ".yaml":
            text = re.sub(r"^#", "", text, flags=re.MULTILINE)
        text = text.replace("\\\n", " ")
        for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
            yield pytest.param(match.group(1), id=f"{page.name}-{match.start()}")


def commands():
    return list(pages(r"^ *python pipeline_runner\.py ([^\n]+)$"))


def parse(command):
    """The parameters of a command line; fails where the command or an option does not exist."""
    arguments = shlex.split(re.sub(r"\s#.*", "", command))
    known = typer.main.get_command(command_line())
    while arguments and arguments[0] in getattr(known, "commands", {}):
        known = known.commands[arguments.pop(0)]
    return known.make_context("petseg", arguments).params


@pytest.mark.parametrize("command", commands())
def test_every_command_in_the_docs_parses(command, config_variables):
    parameters = parse(command)
    config = parameters.get("config")
    if config is not None and str(config) not in PLACEHOLDERS:
        load_settings(PROJECT / config, parameters.get("override") or [])
    elif config is None and "override" in parameters:
        load_settings(None, parameters["override"] or [])


@pytest.mark.parametrize("module", pages(r"python -m (benchmarks\.\w+)"))
def test_every_benchmark_in_the_docs_exists(module):
    assert (PROJECT / f"{module.replace('.', '/')}.py").is_file()


@pytest.mark.parametrize("target", pages(r"`make ([a-z0-9-]+)"))
def test_every_make_target_in_the_docs_exists(target):
    assert re.search(rf"^{target}:", (PROJECT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("config", pages(r"^```yaml\n(.*?)^```"))
def test_every_config_in_the_docs_is_valid(config, tmp_path, config_variables):
    if "extends:" not in config and "classes:" not in config:
        config = f"extends: data/pets.yaml\n{config}"
    config = config.replace("extends: data/", f"extends: {PROJECT}/configs/data/")
    (tmp_path / "example.yaml").write_text(config)
    load_settings(tmp_path / "example.yaml")


def test_the_readme_is_short_and_its_links_lead_somewhere():
    readme = (PROJECT / "README.md").read_text()
    assert len(readme.splitlines()) <= 150
    links = re.findall(r"\]\(([^)#]+)", readme)
    assert len(links) > 10
    assert [link for link in links if not link.startswith("http") and not (PROJECT / link).exists()] == []


def test_the_recipes_name_files_that_exist():
    contributing = (PROJECT / "CONTRIBUTING.md").read_text()
    headings = re.findall(r"^## (.+)$", contributing, re.MULTILINE)
    assert len(headings) == len(set(headings))
    files = re.findall(r"`((?:petseg|trainer|components|pipeline|tests|scripts)/[\w/.]+)`", contributing)
    assert len(files) > 20
    assert [file for file in files if not (PROJECT / file).exists()] == []


def test_the_reference_has_every_setting():
    page = settings_page()
    assert [key for key, _ in describe_fields() if f"`{key}`" not in page and "." in key] == []


def test_the_reference_has_every_command_with_its_options():
    page = commands_page()
    group = typer.main.get_command(command_line())
    assert set(re.findall(r"^## (\S+)$", page, re.MULTILINE)) == set(group.commands)
    assert "### schedule fire" in page
    assert "| `--from FROM_NODE`" in page
    assert page.count("Example:") >= len(group.commands)


def test_the_reference_has_every_metric():
    page = metrics_page()
    assert all(f"`{name}" in page for name in METRICS)


def test_the_reference_has_every_signature():
    assert endpoints().keys() >= {"serving_default", "images", "evaluate"}


def test_every_file_of_a_run_is_described():
    page = run_files_page()
    for module in ("pipeline/runs/run_folder.py", "petseg/saved_model.py", "petseg/evaluation/files.py"):
        files = re.findall(r'^(?!FORMER)\w+_FILE = "(.+)"$', (PROJECT / module).read_text(), re.MULTILINE)
        assert len(files) > 1
        assert [file for file in files if f"| `{file}` |" not in page] == []


def test_the_site_builds_without_a_broken_link_or_reference(tmp_path):
    pytest.importorskip("mkdocs_gen_files", reason="the extra docs is not installed: make docs installs it")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=PROJECT,
        env={**os.environ, "PETSEG_DATA": "", "PETSEG_WEIGHTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    # Nothing comes from another host.
    home = (tmp_path / "site" / "index.html").read_text()
    assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?://', home)
    assert len(list(Path(tmp_path / "site").rglob("*.html"))) > 25
