"""Settings of the training, and of everything that the Trainer needs."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, SerializeAsAny, field_validator, model_validator

from petseg.class_table import ClassTable
from petseg.settings import Settings
from trainer.data.augmentation.settings import AugmentationSettings
from trainer.data.transform_settings import TransformSettings
from trainer.losses import REGISTRY as LOSS_REGISTRY
from trainer.losses import load_loss
from trainer.models.settings import STORED, ModelSettings


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
    loss_weights: dict[str, NonNegativeFloat] = Field(
        {},
        description="Weights of losses by name, for those that have no setting of their own, or in place of "
        f"it: {', '.join(LOSS_REGISTRY)}.",
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

    @field_validator("loss_weights")
    @classmethod
    def _known_losses(cls, weights: dict[str, float]) -> dict[str, float]:
        for name in weights:
            if name not in LOSS_REGISTRY:
                raise ValueError(f"must name losses; received {name!r}; known are {', '.join(LOSS_REGISTRY)}")
        return weights

    @model_validator(mode="after")
    def _losses_can_be_computed(self) -> "TrainerSettings":
        if not self.losses:
            raise ValueError("trainer.loss_weights must leave at least one loss a weight above 0")
        for name in self.losses if self.distribution != "none" else ():
            if load_loss(name).one_device_only:
                key = "lovasz_weight" if name == "lovasz_softmax" else f"loss_weights.{name}"
                raise ValueError(
                    f"trainer.{key} must be 0 unless trainer.distribution is none: the loss needs all pixels "
                    "of the batch on one device"
                )
        return self

    @property
    def losses(self) -> dict[str, float]:
        """Weight of each loss that has one, by name."""
        weights = {
            "focal" if self.focal_gamma else "cross_entropy": 1.0,
            "dice": self.dice_weight,
            "lovasz_softmax": self.lovasz_weight,
        } | self.loss_weights
        return {name: weight for name, weight in weights.items() if weight}

    def check_against(self, transform: TransformSettings, model: ModelSettings, classes: ClassTable) -> None:
        """Holds the training against what is trained, and on what.

        Raises:
            ValueError: There is not one class weight a class, pretraining is not for this architecture, the
                network's background is no class, or larger pairs are stored to take crops from but no crops
                are taken.
        """
        model.check_against(classes)
        if model.freeze_encoder and not model.encoder_weights and not self.warm_start:
            raise ValueError(
                "model.freeze_encoder must be false where the encoder's weights are random; give "
                "model.encoder_weights or trainer.warm_start"
            )
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
    model: SerializeAsAny[ModelSettings] = ModelSettings()
    trainer: TrainerSettings = TrainerSettings()

    @classmethod
    def from_stored(cls, content: str) -> "TrainingSettings":
        """Reads the settings that a model was exported with, also by an earlier release.

        Keys of `model` that the architecture does not use are dropped: earlier releases ignored them.

        Args:
            content: JSON, as in `assets.extra/settings.json`.
        """
        return cls.model_validate_json(content, context=STORED)

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
