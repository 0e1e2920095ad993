"""ResNet50 (He et al. 2015)."""

from trainer.models.encoders.encoder import Encoder
from trainer.models.encoders.scaling import to_centered_bgr

ENCODER = Encoder(
    taps=("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out"),
    scale=to_centered_bgr,
    application="ResNet50",
)
