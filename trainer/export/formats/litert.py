"""What the LiteRT formats share (.tflite files, for ai-edge-litert on a machine or LiteRT on a phone)."""

from collections.abc import Mapping
from pathlib import Path

import flatbuffers
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from trainer.export.formats.export_format import Network, Run

FILE_IDENTIFIER = b"TFL3"
RUNTIME = "ai-edge-litert"
SCRIPT = "run_litert.py"

CONVERTS_TYPES = ("QUANTIZE", "DEQUANTIZE")
"""Operations at the edges of what is quantized."""


def write_litert(converter: tf.lite.TFLiteConverter, network: Network, file: Path) -> schema.ModelT:
    """Converts a network, adds its description to the file's metadata, and writes the file.

    Args:
        converter: With all options set.
        network: Its `description` becomes entries of the model's `metadata`.
        file: The file to write.

    Returns:
        The model, as LiteRT's schema has it.
    """
    model = schema.ModelT.InitFromPackedBuf(converter.convert(), 0)
    _describe(model, network.description)
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    file.write_bytes(builder.Output())
    return model


def _describe(model: schema.ModelT, description: Mapping[str, str]) -> None:
    for name, text in description.items():
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(text.encode(), np.uint8)
        entry = schema.MetadataT()
        entry.name, entry.buffer = name, len(model.buffers)
        model.buffers.append(buffer)
        model.metadata = [*(model.metadata or []), entry]


def float_operations(model: schema.ModelT) -> list[str]:
    """Names of the operations that compute in float, sorted; without those that convert types."""
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
    found = set()
    for graph in model.subgraphs:
        for operation in graph.operators:
            code = model.operatorCodes[operation.opcodeIndex]
            name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
            outputs = [graph.tensors[index].type for index in operation.outputs]
            if schema.TensorType.FLOAT32 in outputs and name not in CONVERTS_TYPES:
                found.add(name)
    return sorted(found)


def open_litert(file: Path) -> Run:
    """Loads a file for `ai_edge_litert`, which takes one photo at a time."""
    interpreter = Interpreter(model_path=str(file))
    interpreter.allocate_tensors()
    (image,), (logits,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(photos: NDArray[np.float32]) -> NDArray[np.float32]:
        results = []
        for photo in photos:
            interpreter.set_tensor(image["index"], photo[None])
            interpreter.invoke()
            results.append(interpreter.get_tensor(logits["index"]))
        return np.concatenate(results)

    return run
