"""ONNX Runtime: prediction with a model written by the onnx package."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from comparison.work import Array, Weights, Work

OPERATORS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid"}
NUMBERS = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}
OPSET, IR_VERSION = 17, 8  # of the same release of ONNX, old enough for every runtime of today


def build(work: Work, weights: Weights) -> onnx.ModelProto:
    """Gemm and activation by turns, a softmax last; any number of rows."""
    nodes, initializers, h = [], [], "X"
    for i, (W, b) in enumerate(weights, start=1):
        initializers += [numpy_helper.from_array(W, f"W{i}"), numpy_helper.from_array(b, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [h, f"W{i}", f"b{i}"], [f"z{i}"]))
        last = i == len(weights)
        h = "y" if last else f"h{i}"
        nodes.append(helper.make_node("Softmax" if last else OPERATORS[work.activation], [f"z{i}"], [h]))

    def rows(name: str, width: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, NUMBERS[work.dtype], ["rows", width])

    graph = helper.make_graph(nodes, work.name, [rows("X", work.sizes[0])], [rows("y", work.outputs)], initializers)
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)


class Prediction:
    def __init__(self, work: Work, weights: Weights, X: Array, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        model = build(work, weights).SerializeToString()
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()  # input and output stay where they lie: quicker than session.run
        self.binding.bind_cpu_input("X", X)
        self.probabilities = np.empty((len(X), work.outputs), work.dtype)
        self.binding.bind_output(
            "y", "cpu", 0, self.probabilities.dtype, self.probabilities.shape, self.probabilities.ctypes.data
        )

    def run(self, calls: int) -> Array:
        for _ in range(calls):
            self.session.run_with_iobinding(self.binding)
        return self.probabilities
