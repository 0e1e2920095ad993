"""Settings of the training, and of everything that the Trainer needs."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, SerializeAsAny, field_validator, model_validator

from petseg.class_table import ClassTable
from petseg.photo_settings import PhotoSettings
from petseg.settings import Settings, check_known
from trainer.data.augmentation.settings import AugmentationSettings
from trainer.data.transform_settings import TransformSettings
from trainer.losses import REGISTRY as LOSS_REGISTRY
from trainer.losses import load_loss
from trainer.models.settings import STORED, ModelSettings


class TrainerSettings(Settings):
    """How the network is trained."""

    seed: int = Field(1, ge=0, description="Seed of initial weights, order of examples and augmentation.")
    epochs: int = Field(20, ge=1, description="Passes over the training examples.")
    pretrain_epochs: int = Field(
        0, ge=0, description="Epochs in which the autoencoder first learns to reconstruct photos."
    )
    batch_size: int = Field(32, ge=1, description="Training examples per step.")
    gradient_accumulation: int = Field(
        1,
        ge=1,
        description="Batches whose gradients are averaged for one update of the weights. The update is "
        "that of one large batch if the loss is a mean over as many pixels in each. Dice and Lovász losses "
        "and the statistics of BatchNorm stay those of batch_size examples.",
    )
    gradient_clip_norm: float | None = Field(
        None,
        gt=0,
        description="Highest norm of the gradients of all weights together, to which larger ones are scaled "
        "down; null: no limit.",
    )
    distribution: Literal["none", "mirrored", "multi_worker"] = Field(
        "none",
        description="Devices that train together. none: one device; mirrored: all GPUs of this machine; "
        "multi_worker: the GPUs of all workers in TF_CONFIG.",
    )
    replica_scaling: Literal["none", "linear", "sqrt"] = Field(
        "none",
        description="none: batch_size is the total over all devices. linear and sqrt: batch_size is per "
        "device, and learning_rate is multiplied by the number of devices or its square root.",
    )
    learning_rate: float = Field(4e-4, gt=0, description="Peak learning rate.")
    encoder_learning_rate_factor: float = Field(
        1.0, ge=0, le=10, description="Learning rate of the encoder as a multiple of the decoder's."
    )
    schedule: Literal["cosine", "constant"] = Field(
        "cosine", description="Learning rate schedule after the warm-up."
    )
    warmup_epochs: float = Field(1.0, ge=0, description="Epochs over which the learning rate rises from 0.")
    weight_decay: float = Field(1e-4, ge=0, description="AdamW's decoupled weight decay.")
    class_weights: Literal["off", "shares"] | tuple[float, ...] = Field(
        "off",
        description="Weights of the classes in the cross entropy. off: all 1; shares: inverse to the "
        "classes' pixel shares; or one number per class.",
    )
    dice_weight: float = Field(
        0.5, ge=0, description="Weight of the soft Dice loss, added to the cross entropy."
    )
    focal_gamma: float = Field(
        0.0,
        ge=0,
        le=5,
        description="Exponent of the focal loss, which gives less weight to pixels that are predicted well. "
        "0: plain cross entropy.",
    )
    lovasz_weight: float = Field(
        0.0, ge=0, description="Weight of the Lovász-softmax loss, added to the cross entropy."
    )
    loss_weights: dict[str, NonNegativeFloat] = Field(
        {},
        description="Weights of losses by name, which replace dice_weight, lovasz_weight and the 1 of the "
        f"cross entropy. Losses: {', '.join(LOSS_REGISTRY)}.",
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="Share of each label that is spread over all classes."
    )
    precision: Literal["off", "float16", "bfloat16", "auto"] = Field(
        "off",
        description="Number type that the network computes in during training. Weights, loss and the "
        "exported model stay float32. auto: bfloat16 if the device supports it, else float16 on a GPU.",
    )
    ema: float = Field(
        0.0, ge=0, lt=1, description="Decay per step of the moving average of the weights; 0: no average."
    )
    augmentation: AugmentationSettings = Field(
        AugmentationSettings(), description="Random changes of training examples."
    )
    early_stopping_patience: int | None = Field(
        None,
        ge=1,
        description="Training stops after this many epochs without a better mean IoU on eval; null: never.",
    )
    cache: Literal["auto", "memory", "disk", "none"] = Field(
        "auto",
        description="Where decoded examples are kept. auto: in memory if they fit, else on disk, else none; "
        "the log says which and why. none: nowhere; records are read anew in each epoch, for any amount of "
        "data, in another random order than with a cache.",
    )
    crop_class_weights: Literal["off"] | dict[str, PositiveFloat] = Field(
        "off",
        description="With transform.fit tile, {class name: weight}: how often a crop is taken around a pixel "
        "of the class, where the photo has it. One anywhere has the weight 1. off: all are taken anywhere.",
    )
    warm_start: bool | str = Field(
        False,
        description="true: start from the weights of the model in production. A folder: start from a pushed "
        "version, or from the checkpoints of an unfinished training.",
    )
    cache_features: bool = Field(
        True,
        description="Compute the features of a frozen encoder once and keep them on disk during training. "
        "Needs flips as the only augmentation.",
    )
    preview_photos: int = Field(
        4, ge=0, le=32, description="Eval photos shown in TensorBoard after each epoch."
    )

    @field_validator("crop_class_weights", mode="before")
    @classmethod
    def _off_or_weights(cls, weights: Any) -> Any:
        """Says what the union of types would say of `off` only."""
        if weights is False:  # YAML's `off`
            return "off"
        if weights != "off" and not isinstance(weights, dict):
            raise ValueError("must be off or {class name: weight}")
        for name, weight in weights.items() if isinstance(weights, dict) else ():
            if not isinstance(weight, int | float) or not weight > 0:
                raise ValueError(f"must have weights greater than 0; received {weight!r} for {name}")
        return weights

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
        """Checks the settings that depend on other parts of the settings.

        Raises:
            ValueError: The number of class weights is not the number of classes, the architecture cannot be
                pretrained, its background is not a class, a frozen encoder would have random weights, larger
                examples are stored for crops but no crops are taken, or a setting does not go with
                `transform.fit`.
        """
        model.check_against(classes)
        transform.check_fit(model.input_size)
        self._check_crops(transform, model, classes)
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
                f"copy photos through their skip connections; received {self.pretrain_epochs}"
            )

    def _check_crops(self, transform: TransformSettings, model: ModelSettings, classes: ClassTable) -> None:
        if self.crop_class_weights != "off":
            if transform.fit != "tile":
                raise ValueError(
                    "trainer.crop_class_weights must be off unless transform.fit is tile: only crops are "
                    "drawn by class"
                )
            for name in self.crop_class_weights:
                check_known("trainer.crop_class_weights", name, classes.names)
        if transform.fit == "tile" and self.cache == "none":
            raise ValueError(
                "trainer.cache must be auto, memory or disk where transform.fit is tile: crops are taken "
                "from decoded photos"
            )
        if transform.fit == "tile" and model.architecture == "mask_rcnn":
            raise ValueError(
                "transform.fit must be stretch or pad with mask_rcnn, which looks for one object in "
                "a whole photo"
            )


class TrainingSettings(Settings):
    """Everything that the Trainer needs: one JSON string in its custom config."""

    classes: ClassTable
    photos: PhotoSettings = PhotoSettings()
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
        """Returns a copy with other values; their keys are dotted, `trainer.learning_rate`.

        Raises:
            ValueError: There is no such setting, or its value is invalid.
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
