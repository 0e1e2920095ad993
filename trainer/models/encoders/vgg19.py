"""VGG19 (Simonyan and Zisserman 2014)."""

from trainer.models.encoders.encoder import Encoder
from trainer.models.encoders.scaling import to_centered_bgr

ENCODER = Encoder(
    taps=("block2_conv2", "block3_conv4", "block4_conv4", "block5_conv4", "block5_pool"),
    scale=to_centered_bgr,
    application="VGG19",
)
