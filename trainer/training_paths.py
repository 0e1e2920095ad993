"""Where a training lies; needs no TensorFlow."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Places:
    """Where a training finds what it needs and leaves what it makes.

    Attributes:
        train: File patterns of the transformed examples to train on.
        evaluation: File patterns of those to judge by.
        transform_graph: Transform's output.
        statistics: Output of StatisticsGen.
        checkpoints: Folder of this very training, removed at the end.
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
