"""LiteRT with weights in float16: half the size."""

from pathlib import Path

import tensorflow as tf

from trainer.export.formats.export_format import ExportFormat, Network
from trainer.export.formats.litert import RUNTIME, SCRIPT, open_litert, write_litert


def _convert(network: Network, file: Path) -> list[str]:
    converter = tf.lite.TFLiteConverter.from_concrete_functions([network.frozen()], network.model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    write_litert(converter, network, file)
    return []


FORMAT = ExportFormat("model_float16.tflite", RUNTIME, SCRIPT, _convert, open_litert)
