"""ONNX, for ONNX Runtime, by tf2onnx."""

import logging
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import tf2onnx
from numpy.typing import NDArray

from trainer.export.formats.export_format import ExportFormat, Network, Run

OPSET = 17
"""What tf2onnx 1.17 writes, and ONNX Runtime reads since 1.12."""


def _convert(network: Network, file: Path) -> list[str]:
    function = network.function(batch_size=None)
    # It logs every pass of its optimizer.
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    model, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=OPSET)
    # tf2onnx names the output after the layer that makes it.
    onnx.helper.set_model_props(model, dict(network.description))
    _name_output(model.graph, "logits")
    onnx.checker.check_model(model)
    onnx.save(model, file)
    return []


def _name_output(graph: onnx.GraphProto, name: str) -> None:
    (output,) = graph.output
    graph.node.append(onnx.helper.make_node("Identity", [output.name], [name], name=f"output/{name}"))
    output.name = name


def _open(file: Path) -> Run:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (image,) = session.get_inputs()

    def run(photos: NDArray[np.float32]) -> NDArray[np.float32]:
        (logits,) = session.run(None, {image.name: photos})
        return logits

    return run


FORMAT = ExportFormat("model.onnx", "onnxruntime", "run_onnx.py", _convert, _open)
