"""LiteRT with weights and activations in int8, quantized after training: a quarter of the size."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from trainer.export.formats.export_format import ExportFormat, Network
from trainer.export.formats.litert import RUNTIME, SCRIPT, float_operations, open_litert, write_litert


def _convert(network: Network, file: Path) -> list[str]:
    def photos() -> Iterator[list[NDArray[np.float32]]]:
        for photo in network.calibration:
            yield [photo[None].astype(np.float32)]

    converter = tf.lite.TFLiteConverter.from_concrete_functions([network.frozen()], network.model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = photos
    return float_operations(write_litert(converter, network, file))


FORMAT = ExportFormat("model_int8.tflite", RUNTIME, SCRIPT, _convert, open_litert)
