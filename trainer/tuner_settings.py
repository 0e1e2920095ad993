"""Settings of the hyperparameter search."""

from pydantic import Field, ValidationError, model_validator

from petseg.settings import Settings
from trainer.settings import TrainingSettings

FIXED_IN_TRIALS = ("transform.training_scale", "model.image_size", "trainer.epochs", "trainer.distribution")
"""Transform has resized the photos before Tuner runs, `tuner.trial_epochs` replaces `trainer.epochs`, and a
process sets up its devices once."""


class SearchedValues(Settings):
    """Values of one setting that the Tuner tries: a list, or a range."""

    values: tuple[bool | int | float | str, ...] | None = Field(
        None, min_length=1, description="Values to choose from."
    )
    min: float | None = Field(None, description="Lower end of the range.")
    max: float | None = Field(None, description="Upper end of the range.")
    log: bool = Field(False, description="Sample the range on a logarithmic scale.")

    @model_validator(mode="after")
    def _values_or_range(self) -> "SearchedValues":
        if self.values is not None and (self.min, self.max) == (None, None):
            return self
        if self.values is None and self.min is not None and self.max is not None:
            lowest = 0 if self.log else float("-inf")
            if lowest < self.min < self.max:
                return self
        raise ValueError(
            "must be either `values`, or `min` and a greater `max`; with `log`, both must be above 0"
        )

    @property
    def extremes(self) -> tuple[bool | int | float | str | None, ...]:
        """Values to check: if they are valid, all are."""
        return self.values if self.values is not None else (self.min, self.max)


class TunerSettings(Settings):
    """Settings of the hyperparameter search before the training."""

    enabled: bool = Field(
        False, description="Search before the training, then train with the best values found."
    )
    trials: int = Field(8, ge=1, description="Number of short trainings, each with randomly drawn values.")
    trial_epochs: int = Field(5, ge=1, description="Epochs per trial.")
    search: dict[str, SearchedValues] = Field(
        {"trainer.learning_rate": SearchedValues(min=1e-4, max=4e-3, log=True)},
        min_length=1,
        description="Settings of model and trainer to search, each with `values`, or `min`, `max` and `log`.",
    )

    def check_against(self, training: TrainingSettings) -> None:
        """Checks that all searched values are valid.

        Raises:
            ValueError: A setting cannot be searched, or a value is invalid.
        """
        if self.enabled and training.trainer.distribution == "multi_worker":
            raise ValueError("tuner.enabled must be false with trainer.distribution multi_worker")
        for key, searched in self.search.items():
            if key in FIXED_IN_TRIALS or not key.startswith(("model.", "trainer.")):
                raise ValueError(
                    f"tuner.search: {key} cannot be searched; only settings of model and trainer can"
                )
            for value in searched.extremes:
                try:
                    training.with_values({key: value})
                except ValidationError as error:
                    problem = error.errors()[0]["msg"]
                    raise ValueError(f"tuner.search.{key}: {value!r} is invalid: {problem}") from None
                except ValueError as error:
                    raise ValueError(f"tuner.search: {error}") from None
