"""What stands in a model file of onnxruntime's own format (``.ort``, a flatbuffer).

onnxruntime runs such a file and does not tell its weights. Its tools carry the schema; this reads
the two things that a new training needs: the arrays, and which array a product of matrices uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnxruntime.tools.ort_format_model.ort_flatbuffers_py.fbs.InferenceSession import (
    InferenceSession,
)

TYPES: dict[int, type[np.generic]] = {1: np.float32, 2: np.uint8, 3: np.int8, 7: np.int64}
"""``TensorProto.DataType`` of ONNX."""
PRODUCTS = ("MatMulIntegerToFloat", "DynamicQuantizeMatMul")
QUANTISED, SCALE, ZERO = "_quantized", "_scale", "_zero_point"

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class OrtFile:
    """``arrays`` by name; ``products`` by what they make: the stem of their weights' names."""

    arrays: dict[str, Array]
    products: dict[str, str]

    def weights(self, stem: str) -> npt.NDArray[np.float32]:
        """A matrix (in, out) that was kept in 8 bits."""
        whole = self.arrays[stem + QUANTISED].astype(np.float32)
        scaled: npt.NDArray[np.float32] = (
            whole - self.arrays[stem + ZERO].astype(np.float32)
        ) * self.arrays[stem + SCALE]
        return scaled


def read(path: Path) -> OrtFile:
    """Read a model. Raises ``OSError``; a file of another format is not understood."""
    graph = InferenceSession.GetRootAsInferenceSession(path.read_bytes(), 0).Model().Graph()
    arrays: dict[str, Array] = {}
    for number in range(graph.InitializersLength()):
        tensor = graph.Initializers(number)
        kind = TYPES.get(tensor.DataType())
        if kind is not None:
            shape = [tensor.Dims(axis) for axis in range(tensor.DimsLength())]
            raw = tensor.RawDataAsNumpy().tobytes()
            arrays[tensor.Name().decode()] = np.frombuffer(raw, kind).reshape(shape)
    products = {}
    for number in range(graph.NodesLength()):
        node = graph.Nodes(number)
        if node.OpType().decode() in PRODUCTS:
            given = [node.Inputs(place).decode() for place in range(node.InputsLength())]
            weights = next(one for one in given if one.endswith(QUANTISED) and one in arrays)
            products[node.Outputs(0).decode()] = weights.removesuffix(QUANTISED)
    return OrtFile(arrays, products)
