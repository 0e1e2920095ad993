"""Appends what is generated to the pages that introduce it; mkdocs-gen-files runs it at each build."""

import os
import sys
from pathlib import Path

import mkdocs_gen_files

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "docs")]
# Defaults of settings may depend on the folder that a command is run in.
os.chdir(REPOSITORY)

from generators.commands import commands_page  # noqa: E402
from generators.metrics import metrics_page  # noqa: E402
from generators.notebook import notebook_page  # noqa: E402
from generators.run_files import run_files_page  # noqa: E402
from generators.settings import settings_page  # noqa: E402
from generators.signatures import signatures_page  # noqa: E402

PAGES = {
    "reference/commands.md": commands_page,
    "reference/settings.md": settings_page,
    "reference/run-files.md": run_files_page,
    "reference/metrics.md": metrics_page,
    "reference/signatures.md": signatures_page,
    "tutorials/notebook.md": notebook_page,
}

for name, page in PAGES.items():
    with mkdocs_gen_files.open(name, "a") as file:
        file.write(f"\n{page()}\n")
