"""The hash of a node's source: what changes it, what does not, and that no module is forgotten."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.source_hash import imported_modules, source_hash
from tests.conftest import PROJECT

SOURCES = {
    "trainer/__init__.py": "",
    "trainer/run.py": "def run():\n    from trainer import models\n    return models.build()\n",
    "trainer/models/__init__.py": (
        "import importlib\n"
        "REGISTRY = {'unet': 'trainer.models.unet', 'segnet': 'trainer.models.segnet:build'}\n"
        "def build(name='unet'):\n    return importlib.import_module(REGISTRY[name])\n"
    ),
    "trainer/models/unet.py": (
        "from .blocks import convolve\nfrom petseg.settings import Settings\nfrom pydantic import Field\n"
        'WIDTH = 4\n"""Filters."""\n'
        "class Unet(Settings):\n"
        '    """The U-Net."""\n'
        "    dropout: float = Field(0.0, description='Dropout.')\n"
        "    def build(self):\n        # Convolves.\n        return convolve(WIDTH)\n"
    ),
    "trainer/models/segnet.py": "from trainer.models import pooling\n",
    "trainer/models/blocks.py": "def convolve(x):\n    return x\n",
    "trainer/models/pooling.py": "",
    "petseg/__init__.py": "",
    "petseg/settings.py": "class Settings: pass\n",
    "components/__init__.py": "",
    "components/node/__init__.py": "",
    "components/node/component.py": "RUN_FN = 'trainer.run.run'\nCLIENT = 'client.py'\n",
    "components/node/client.py": "",
    "components/node/page.html.jinja": "<p>\n",
}

NODE = "components.node.component"


@pytest.fixture
def project(tmp_path) -> Path:
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def node_hash(project: Path, *architectures: str) -> str:
    chosen = {"trainer.models": architectures} if architectures else {}
    return source_hash(NODE, chosen=chosen, root=project)


def replace(project: Path, name: str, old: str, new: str) -> None:
    text = (project / name).read_text()
    assert old in text
    (project / name).write_text(text.replace(old, new))


def test_imports_and_names_of_modules_in_strings_are_followed(project):
    everything = imported_modules(NODE, root=project)
    assert everything == {
        "trainer", "trainer.run", "trainer.models", "trainer.models.unet", "trainer.models.segnet",
        "trainer.models.blocks", "trainer.models.pooling", "petseg", "petseg.settings",
        "components", "components.node", "components.node.component", "components.node.client",
    }  # fmt: skip
    unet = imported_modules(NODE, chosen={"trainer.models": ["unet"]}, root=project)
    assert everything - unet == {"trainer.models.segnet", "trainer.models.pooling"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The U-Net.", "The U-Net of 2015."),
        ('    """The U-Net."""\n', ""),
        ('"""Filters."""\n', ""),
        ("# Convolves.", "# Convolves once."),
        ("description='Dropout.'", "description='Share of units that are dropped.'"),
        ("WIDTH = 4", "WIDTH  =  (4)"),
    ],
)
def test_documentation_and_formatting_keep_the_hash(project, old, new):
    before = node_hash(project)
    replace(project, "trainer/models/unet.py", old, new)
    assert node_hash(project) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("trainer/models/unet.py", "WIDTH = 4", "WIDTH = 5"),
        ("trainer/models/unet.py", "Field(0.0", "Field(0.1"),
        ("trainer/models/blocks.py", "return x", "return x + 1"),
        ("petseg/settings.py", "pass", "a = 1"),
        ("trainer/run.py", "build()", "build('unet')"),
        ("components/node/page.html.jinja", "<p>", "<p class=a>"),
    ],
)
def test_code_and_templates_change_the_hash(project, name, old, new):
    before = node_hash(project, "unet")
    replace(project, name, old, new)
    assert node_hash(project, "unet") != before


def test_a_new_package_file_changes_the_hash(project):
    before = node_hash(project)
    (project / "components" / "__init__.py").write_text("import os\n")
    assert node_hash(project) != before


def test_what_is_not_chosen_keeps_the_hash(project):
    unet, segnet = node_hash(project, "unet"), node_hash(project, "segnet")
    assert unet != segnet
    replace(project, "trainer/models/segnet.py", "import pooling", "import pooling, blocks")
    (project / "trainer" / "models" / "pooling.py").write_text("SIZE = 2\n")
    replace(
        project, "trainer/models/__init__.py", "REGISTRY = {", "REGISTRY = {'fpn': 'trainer.models.blocks', "
    )
    assert node_hash(project, "unet") == unet
    assert node_hash(project, "segnet") != segnet


def test_an_import_for_type_checkers_is_no_use(project):
    before = node_hash(project, "unet")
    replace(
        project, "trainer/run.py", "def run", "if TYPE_CHECKING:\n    import trainer.models.segnet\n\ndef run"
    )
    assert node_hash(project, "unet") == before


def test_what_runs_in_place_of_an_import_for_type_checkers_counts(project):
    imports = "if TYPE_CHECKING:\n    import typing\nelse:\n    SIZE = 1\n\ndef run"
    replace(project, "trainer/run.py", "def run", imports)
    before = node_hash(project, "unet")
    replace(project, "trainer/run.py", "SIZE = 1", "SIZE = 2")
    assert node_hash(project, "unet") != before


def test_a_module_that_does_not_exist_is_an_error(project):
    with pytest.raises(ModuleNotFoundError, match=r"trainer\.rnu"):
        source_hash("trainer.rnu", root=project)


def module_names(folder: Path) -> set[str]:
    files = (file.relative_to(PROJECT).with_suffix("").parts for file in folder.rglob("*.py"))
    return {".".join(part for part in parts if part != "__init__") for parts in files}


@pytest.mark.parametrize(
    "component", sorted(file.parent.name for file in PROJECT.glob("components/*/component.py"))
)
def test_no_module_of_a_component_is_forgotten(component):
    forgotten = module_names(PROJECT / "components" / component) - imported_modules(
        f"components.{component}.component"
    )
    # The runner calls this one before the node runs, and some looks are for `inspect` and for errors only.
    others = {name for name in forgotten if name.startswith("components.example_gen.looks.")}
    assert forgotten - others <= {"components.example_gen.fingerprint"}


def test_a_training_hashes_only_the_network_and_the_losses_that_it_uses():
    chosen = {
        "trainer.models": ["fcn8s"],
        "trainer.models.encoders": ["plain"],
        "trainer.losses": ["cross_entropy"],
        "trainer.data.augmentation": ["blur"],
    }
    used = imported_modules("components.model_trainer.component", chosen=chosen)
    others = {
        "trainer.models": {"fcn"},
        "trainer.models.encoders": {"plain"},
        "trainer.losses": {"cross_entropy"},
        "trainer.data.augmentation": {"blur"},
    }
    for registry, names in others.items():
        modules = set(importlib.import_module(registry).REGISTRY.values())
        assert used & modules == {f"{registry}.{name}" for name in names}


def test_no_module_of_the_trainer_is_forgotten():
    of_nodes = imported_modules(
        "components.model_trainer.component", "components.exporter.component", "trainer.tuner"
    )
    assert module_names(PROJECT / "trainer") - of_nodes == {"trainer.worker"}


def test_nothing_is_imported():
    program = (
        "import sys; from pipeline.source_hash import source_hash; "
        "source_hash('components.model_trainer.component'); "
        "print({name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert "'pipeline'" in done.stdout
    assert not {"'trainer'", "'components'", "'tensorflow'", "'tfx'"} & set(
        done.stdout.strip("{}\n").split(", ")
    )
