"""The pets' settings, for scripts that measure without the config of an experiment."""

from pathlib import Path

from pipeline.settings import load_settings

PETS_DATA = load_settings(Path(__file__).resolve().parents[1] / "configs/data/pets.yaml").data
PETS = PETS_DATA.classes
