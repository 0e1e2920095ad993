"""`python -m trainer.export.convert MODEL FORMAT CALIBRATION FILE`: converts in a process of its own.

The converters are compiled code that ends its process at some errors, and keep gigabytes that they used.

MODEL is a SavedModel of this project, CALIBRATION a NumPy file of training photos at model resolution (uint8
[n, height, width, 3]), FILE what is written. The last line of the output is a JSON list: the operations of a
quantized format that stay in float.
"""

import json
import subprocess
import sys
from pathlib import Path

from petseg.parent import end_with_parent

LONGEST_MESSAGE = 300


class ConversionError(Exception):
    """A model cannot be converted. The message is the converter's."""


def convert(model: str, name: str, calibration: Path, file: Path) -> list[str]:
    """Converts a model in a process of its own.

    Args:
        model: Folder of the SavedModel.
        name: Name of the format.
        calibration: NumPy file of training photos at model resolution.
        file: The file to write.

    Returns:
        Operations of a quantized format that stay in float.

    Raises:
        ConversionError: The converter cannot do it.
    """
    command = [sys.executable, "-m", "trainer.export.convert", model, name, str(calibration), str(file)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = process.stdout.strip().splitlines()
    if process.returncode or not lines:
        said = [line for line in process.stderr.strip().splitlines() if line.strip()]
        raise ConversionError(
            (said or [f"its process ended with {process.returncode}"])[-1][:LONGEST_MESSAGE]
        )
    operations: list[str] = json.loads(lines[-1])
    return operations


def main(model: str, name: str, calibration: str, file: str) -> None:
    """Converts a model in this process."""
    import numpy as np

    from trainer.export.description import describe
    from trainer.export.export_model import load_trained
    from trainer.export.formats import load_format
    from trainer.export.formats.export_format import Network

    export_format = load_format(name)
    network, settings = load_trained(model)
    described = Network(network, np.load(calibration), describe(settings, export_format.runtime))
    print(json.dumps(export_format.convert(described, Path(file))))


if __name__ == "__main__":
    end_with_parent()
    main(*sys.argv[1:])
