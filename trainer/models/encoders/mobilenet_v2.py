"""MobileNetV2 (Sandler et al. 2018)."""

from trainer.models.encoders.encoder import Encoder
from trainer.models.encoders.scaling import to_plus_minus_one

ENCODER = Encoder(
    taps=(
        "block_1_expand_relu",
        "block_3_expand_relu",
        "block_6_expand_relu",
        "block_13_expand_relu",
        "block_16_project",
    ),
    scale=to_plus_minus_one,
    application="MobileNetV2",
)
