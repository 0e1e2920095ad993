"""The command line with an exporter that destroys one class in ONNX files."""

import numpy as np
import onnx

import pipeline_runner
from components.exporter import export_files
from trainer.export.convert import convert

DESTROYED_CLASS = 2


def convert_and_destroy(model, name, calibration, file):
    """Converts, then takes a class's logits down, so that it is never predicted."""
    operations = convert(model, name, calibration, file)
    if name == "onnx":
        content = onnx.load(file)
        graph = content.graph
        (output,) = graph.output
        classes = output.type.tensor_type.shape.dim[-1].dim_value
        offsets = np.zeros(classes, np.float32)
        offsets[DESTROYED_CLASS] = -1000
        graph.initializer.append(onnx.numpy_helper.from_array(offsets, "offsets"))
        graph.node.append(onnx.helper.make_node("Add", [output.name, "offsets"], ["destroyed"]))
        output.name = "destroyed"
        onnx.save(content, file)
    return operations


if __name__ == "__main__":
    export_files.convert = convert_and_destroy
    raise SystemExit(pipeline_runner.main())
