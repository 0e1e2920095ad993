"""The encoders: networks whose features at strides 2, 4, 8, 16 and 32 the architectures decode."""

REGISTRY = {
    "mobilenet_v2": "trainer.models.encoders.mobilenet_v2",
    "vgg19": "trainer.models.encoders.vgg19",
    "resnet50": "trainer.models.encoders.resnet50",
    "efficientnet_v2_b0": "trainer.models.encoders.efficientnet_v2_b0",
    "plain": "trainer.models.encoders.plain",
}
"""Name of an encoder to the module whose `ENCODER` describes it. Only what is built is imported."""

STRIDES = (2, 4, 8, 16, 32)
"""Of the features that encoders give where an architecture asks for no others."""
