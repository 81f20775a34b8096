"""The runtime: an exported graph on OpenVINO, no PyTorch needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError

Precision = Literal["f32", "bf16"]


class OpenVinoRuntime:
    """A network on the CPU, compiled once for every image size.

    Args:
        graph: an ONNX file made by ``scalewise export``.
        precision: what to compute in; ``bf16`` is up to twice as fast where the CPU has it.

    Raises:
        ScalewiseError: the graph cannot be read.
    """

    def __init__(self, graph: Path, precision: Precision = "f32") -> None:
        core: Any = ov.Core()
        try:
            # Read into memory first: OpenVINO maps the file, which may be a temporary one.
            model = core.read_model(graph.read_bytes())
        except RuntimeError as error:
            raise ScalewiseError(f"{graph}: not a graph that OpenVINO can read") from error
        # A graph compiled for one fixed size is no faster here than one for any size.
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
        self._run: Any = core.compile_model(model, "CPU", settings)

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run (1, C, H, W) in [0, 1], H and W aligned: (1, C, scale H, scale W), unclipped."""
        return self._run(image)[0]
