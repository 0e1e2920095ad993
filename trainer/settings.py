"""Settings of Transform, the model and the training."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from petseg.class_table import ClassTable
from petseg.settings import Settings, check_known
from trainer.data.augmentation_settings import AugmentationSettings


class TransformSettings(Settings):
    """How a photo becomes the model's input."""

    interpolation: Literal["bilinear", "bicubic", "area", "lanczos3"] = Field(
        "bilinear", description="How photos are resized, antialiased; masks always take the nearest pixel."
    )
    training_scale: float = Field(
        1.0,
        ge=1,
        le=4,
        description="Side of the pairs that random crops are taken from, as a multiple of the model's; with "
        "1 the crops are less sharp than the photos that the model is judged on.",
    )


class ModelSettings(Settings):
    """Which network is built."""

    architecture: str = Field("unet", description="Name of a model in trainer/models.")
    encoder: str = Field("mobilenet_v2", description="Name of an encoder in trainer/models/encoders.")
    encoder_weights: str | None = Field(
        None, description="A weights file, `imagenet` (Keras downloads them), or null for random weights."
    )
    encoder_taps: tuple[str, ...] | None = Field(
        None,
        description="Layers whose outputs are the features at strides 2, 4, 8, 16, 32 (segnet: 1, 2, 4, 8, "
        "16); null: the usual ones.",
    )
    encoder_width: int = Field(
        64,
        ge=4,
        le=512,
        description="Filters of the first stage of the encoder `plain`; later ones have more.",
    )
    freeze_encoder: bool | str = Field(
        False, description="true: the encoder's weights stay; a block's name: those up to and with it stay."
    )
    image_size: int = Field(
        128, ge=32, le=2048, description="Height and width of the model's input in pixels."
    )
    decoder_filters: tuple[int, ...] = Field(
        (512, 256, 128, 64),
        min_length=1,
        description="Filters of the decoder's blocks, coarsest first; unet takes a fifth for stride 1.",
    )
    decoder_convolutions: int = Field(
        0,
        ge=0,
        le=4,
        description="3x3 convolutions in each of unet's blocks; the tutorial has none, the original two.",
    )
    decoder_width: float = Field(
        1.0, gt=0, le=1, description="Filters of segnet's decoder as a share of its encoder's."
    )
    fc_width: int = Field(
        512,
        ge=1,
        le=4096,
        description="Filters of fc6 and fc7 in the FCNs; with 4096 they take VGG19's own where the weights "
        "file has them.",
    )
    pyramid_filters: int = Field(
        256, ge=2, le=1024, description="Filters of fpn's pyramid and of deeplabv3plus' atrous branches."
    )
    atrous_rates: tuple[PositiveInt, ...] | None = Field(
        None,
        min_length=1,
        description="Distances in stride-16 pixels at which deeplabv3plus looks; null: the paper's 6, 12 and "
        "18 for its 513 px, and as many times smaller as the photos are. A distance of image_size / 16 or "
        "more looks past the edge, and takes long.",
    )
    background: str = Field(
        "background", description="Class around the objects that mask_rcnn looks for; all others are theirs."
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the last layer.")
    flip_tta: bool = Field(False, description="Average each answer with that for the mirror image.")

    @field_validator("image_size")
    @classmethod
    def _multiple_of_32(cls, size: int) -> int:
        if size % 32:
            below = max(32, size // 32 * 32)
            raise ValueError(f"must be a multiple of 32; {below} and {size // 32 * 32 + 32} are the nearest")
        return size


class TrainerSettings(Settings):
    """How the network is trained."""

    seed: int = Field(1, ge=0, description="Seed of weights, order and augmentation.")
    epochs: int = Field(20, ge=1, description="Passes over the training pairs.")
    pretrain_epochs: int = Field(
        0, ge=0, description="Passes in which the autoencoder first learns to draw its own photos."
    )
    batch_size: int = Field(32, ge=1, description="Pairs a step.")
    distribution: Literal["none", "mirrored", "multi_worker"] = Field(
        "none",
        description="Devices that train together: one; all GPUs of the machine; or those of all workers that "
        "TF_CONFIG names.",
    )
    replica_scaling: Literal["none", "linear", "sqrt"] = Field(
        "none",
        description="none: the devices share batch_size, and training is that of one; linear, sqrt: each "
        "takes batch_size, and learning_rate grows with their number or its root.",
    )
    learning_rate: float = Field(4e-4, gt=0, description="Peak learning rate.")
    encoder_learning_rate_factor: float = Field(
        1.0, ge=0, le=10, description="Learning rate of the encoder as a multiple of the decoder's."
    )
    schedule: Literal["cosine", "constant"] = Field("cosine", description="Learning rate after the warm-up.")
    warmup_epochs: float = Field(1.0, ge=0, description="Epochs in which the learning rate rises from 0.")
    weight_decay: float = Field(1e-4, ge=0, description="AdamW's decoupled weight decay.")
    class_weights: Literal["off", "shares"] | tuple[float, ...] = Field(
        "off", description="off; shares: inverse to the classes' pixel shares; or one number a class."
    )
    dice_weight: float = Field(0.5, ge=0, description="Weight of the soft Dice loss beside cross entropy.")
    focal_gamma: float = Field(
        0.0,
        ge=0,
        le=5,
        description="How much less sure pixels count in the cross entropy (focal loss); 0: all alike.",
    )
    lovasz_weight: float = Field(
        0.0, ge=0, description="Weight of the Lovász-softmax loss beside cross entropy."
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="Share of each label spread over all classes."
    )
    precision: Literal["off", "float16", "bfloat16", "auto"] = Field(
        "off",
        description="What the network computes in while it trains, weights and loss staying float32; auto: "
        "bfloat16 where the device has it, else float16 on a GPU. What is exported computes in float32.",
    )
    ema: float = Field(
        0.0, ge=0, lt=1, description="Decay of the moving average of the weights a step; 0: none is kept."
    )
    augmentation: AugmentationSettings = Field(
        AugmentationSettings(), description="Changes of training pairs."
    )
    early_stopping_patience: int | None = Field(
        None,
        ge=1,
        description="Epochs without a better eval mean IoU after which training stops; null: never.",
    )
    cache: Literal["memory", "disk"] = Field("memory", description="Where decoded pairs are kept.")
    warm_start: bool | str = Field(
        False,
        description="Begin with the weights of the model in production (true), or of a pushed version or an "
        "unfinished training's checkpoints (the folder).",
    )
    cache_features: bool = Field(
        True,
        description="Compute what a frozen encoder gives for each photo once, and keep it on disk while "
        "training; only where flips are the only augmentation.",
    )
    preview_photos: int = Field(4, ge=0, le=32, description="Eval photos drawn into TensorBoard each epoch.")

    @model_validator(mode="after")
    def _losses_are_exact(self) -> "TrainerSettings":
        if self.lovasz_weight and self.distribution != "none":
            raise ValueError(
                "trainer.lovasz_weight must be 0 unless trainer.distribution is none: it sorts the pixels of "
                "the whole batch, and no device has them all"
            )
        return self

    def check_against(self, transform: TransformSettings, model: ModelSettings, classes: ClassTable) -> None:
        """Holds the training against what is trained, and on what.

        Raises:
            ValueError: There is not one class weight a class, pretraining is not for this architecture, the
                network's background is no class, or larger pairs are stored to take crops from but no crops
                are taken.
        """
        if model.architecture == "mask_rcnn":
            check_known("model.background", model.background, classes.names)
        if transform.training_scale > 1 and self.augmentation.mirrors_only:
            raise ValueError(
                "transform.training_scale must be 1 where trainer.augmentation takes no crops; received "
                f"{transform.training_scale:g}"
            )
        if isinstance(self.class_weights, tuple) and len(self.class_weights) != len(classes):
            raise ValueError(
                f"trainer.class_weights must have one number for each of {len(classes)} classes; "
                f"received {len(self.class_weights)}"
            )
        if self.pretrain_epochs and model.architecture != "autoencoder":
            raise ValueError(
                "trainer.pretrain_epochs must be 0 unless model.architecture is autoencoder: other networks "
                f"see the photo's own edges through skips; received {self.pretrain_epochs}"
            )


class TrainingSettings(Settings):
    """Everything that the Trainer needs: one JSON string in its custom config."""

    classes: ClassTable
    transform: TransformSettings = TransformSettings()
    model: ModelSettings = ModelSettings()
    trainer: TrainerSettings = TrainerSettings()

    def with_values(self, values: Mapping[str, Any]) -> "TrainingSettings":
        """Lays values over the settings; their keys are dotted, `trainer.learning_rate`.

        Raises:
            ValueError: There is no such setting, or a value is not right for it.
        """
        tree = self.model_dump(mode="json")
        for key, value in values.items():
            *parents, last = key.split(".")
            part: Any = tree
            for parent in parents:
                part = part.get(parent)
                if not isinstance(part, dict):
                    raise ValueError(f"there is no setting {key}")
            part[last] = value
        return TrainingSettings.model_validate(tree)
