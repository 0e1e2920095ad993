"""The paths that a training reads and writes. Needs no TensorFlow."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class TrainingPaths:
    """The paths that a training reads and writes.

    Attributes:
        train: File patterns of the transformed examples to train on.
        evaluation: File patterns of the transformed examples to evaluate on.
        transform_graph: Transform's output.
        statistics: Output of StatisticsGen.
        checkpoints: Folder of this training, removed at the end.
        model: Folder of the SavedModel.
        model_run: Folder of the history and of TensorBoard's logs.
        base_model: SavedModel to start from, or None.
    """

    train: list[str]
    evaluation: list[str]
    transform_graph: str
    statistics: str
    checkpoints: str
    model: str
    model_run: str
    base_model: str | None = None
