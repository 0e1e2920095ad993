"""EfficientNetV2-B0 (Tan and Le 2021)."""

from trainer.models.encoders.encoder import Encoder
from trainer.models.encoders.scaling import unchanged

ENCODER = Encoder(
    taps=(
        "block1a_project_activation",
        "block2b_expand_activation",
        "block4a_expand_activation",
        "block6a_expand_activation",
        "top_activation",
    ),
    scale=unchanged,
    application="EfficientNetV2B0",
)
