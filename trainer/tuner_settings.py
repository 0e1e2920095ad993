"""Settings of the search for better settings."""

from pydantic import Field, ValidationError, model_validator

from petseg.settings import Settings
from trainer.settings import TrainingSettings

FIXED_IN_TRIALS = ("transform.training_scale", "model.image_size", "trainer.epochs", "trainer.distribution")
"""The photos have the one size before Tuner runs, `tuner.trial_epochs` takes the place of the second, and a
process joins its devices once."""


class SearchedValues(Settings):
    """Which values of one setting the Tuner tries: those listed, or any between two."""

    values: tuple[bool | int | float | str, ...] | None = Field(
        None, min_length=1, description="The values to choose from."
    )
    min: float | None = Field(None, description="The lowest value, where none are listed.")
    max: float | None = Field(None, description="The highest value, where none are listed.")
    log: bool = Field(False, description="Draw the logarithm evenly, not the value.")

    @model_validator(mode="after")
    def _values_or_range(self) -> "SearchedValues":
        if self.values is not None and (self.min, self.max) == (None, None):
            return self
        if self.values is None and self.min is not None and self.max is not None:
            lowest = 0 if self.log else float("-inf")
            if lowest < self.min < self.max:
                return self
        raise ValueError("must be either `values`, or `min` and a greater `max`, with log above 0")

    @property
    def extremes(self) -> tuple[bool | int | float | str | None, ...]:
        """Values that must be right for all to be."""
        return self.values if self.values is not None else (self.min, self.max)


class TunerSettings(Settings):
    """How better settings are searched for before the training."""

    enabled: bool = Field(False, description="Search before training, and train with the best values found.")
    trials: int = Field(8, ge=1, description="Short trainings, each with values drawn at random.")
    trial_epochs: int = Field(5, ge=1, description="Epochs of each.")
    search: dict[str, SearchedValues] = Field(
        {"trainer.learning_rate": SearchedValues(min=1e-4, max=4e-3, log=True)},
        min_length=1,
        description="Settings of model and trainer to search, each with `values`, or `min`, `max` and `log`.",
    )

    def check_against(self, training: TrainingSettings) -> None:
        """Tries the values that are searched.

        Raises:
            ValueError: A setting cannot be searched, or a value is not right for it.
        """
        if self.enabled and training.trainer.distribution == "multi_worker":
            raise ValueError("tuner.enabled must be false with trainer.distribution multi_worker")
        for key, searched in self.search.items():
            if key in FIXED_IN_TRIALS or not key.startswith(("model.", "trainer.")):
                raise ValueError(f"tuner.search: {key} cannot be searched; settings of model and trainer can")
            for value in searched.extremes:
                try:
                    training.with_values({key: value})
                except ValidationError as error:
                    problem = error.errors()[0]["msg"]
                    raise ValueError(f"tuner.search.{key}: {value!r} is not right: {problem}") from None
                except ValueError as error:
                    raise ValueError(f"tuner.search: {error}") from None
