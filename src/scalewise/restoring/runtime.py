"""Runtimes: OpenVINO on the CPU, where no PyTorch is needed, and PyTorch on GPUs.

Both may be called from several threads, which take turns: one call uses the whole device.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.openvino_import import openvino_core
from scalewise.restoring.memory import free_memory, is_out_of_memory

Precision = Literal["f32", "bf16", "int8"]

_ANY_SIZE = 128**2
"""Pixels up to which the graph for any size is used.

To compile a graph for one size takes as long as to run that many, and the memory of the graph for
any size, nearly three times as much, does not matter yet."""
_KEPT = 2**19
"""Pixels of all the sizes that graphs are kept for; each keeps its memory."""


class Runtime(Protocol):
    """A network on a device."""

    @property
    def device(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""
        ...

    @property
    def precision(self) -> Precision:
        """The number format that it computes in."""
        ...

    def free_memory(self) -> int:
        """Return the bytes that are free where it runs."""
        ...

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run (1, C, H, W) in [0, 1], H and W aligned: (1, C, scale H, scale W), unclipped.

        Raises:
            MemoryError: there is not enough for this size.
        """
        ...


class OpenVinoRuntime:
    """A network on the CPU.

    Large sizes get a graph compiled for just that size.  It takes a third of the memory, because
    only then OpenVINO plans which buffers may share it, and a sixth less time.

    Args:
        graph: an ONNX file written by ``scalewise convert``, or a released model's.
        precision: ``bf16`` is up to twice as fast as ``f32`` where the CPU has it.  ``int8`` is
            for a graph that has 8-bit integers, and computes the rest in float32.
        threads: how many to use; None for all that the machine has.

    Raises:
        ScalewiseError: the graph cannot be read.
    """

    device = "cpu"

    def __init__(
        self, graph: Path, precision: Precision = "f32", threads: int | None = None
    ) -> None:
        self.precision: Precision = precision
        self._threads = threads
        self._core: Any = openvino_core()
        try:
            self._model: Any = self._core.read_model(graph)
        except RuntimeError as error:
            raise ScalewiseError(f"{graph}: not a graph that OpenVINO can read") from error
        self._compiled: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._lock = Lock()

    def free_memory(self) -> int:
        """See :class:`Runtime`."""
        return free_memory()

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See :class:`Runtime`."""
        with self._lock:
            try:
                return self._for_size(image.shape)(image)[0]
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                self._compiled.clear()
                raise MemoryError(str(error)) from error

    def _for_size(self, shape: tuple[int, ...]) -> Any:
        """Return the graph for a size, compiled if it is not kept."""
        if shape[2] * shape[3] <= _ANY_SIZE:
            shape = ()
        if shape not in self._compiled:
            self._make_room(shape)
            model = self._model
            if shape:
                model = model.clone()
                model.reshape(list(shape))
            settings: dict[str, Any] = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
            }
            if self._threads is not None:
                settings["INFERENCE_NUM_THREADS"] = self._threads
            self._compiled[shape] = self._core.compile_model(model, "CPU", settings)
        self._compiled.move_to_end(shape)
        return self._compiled[shape]

    def _make_room(self, shape: tuple[int, ...]) -> None:
        """Drop the sizes that were not used for longest."""
        kept = [other for other in self._compiled if other]
        pixels = sum(other[2] * other[3] for other in (*kept, shape) if other)
        while kept and pixels > _KEPT:
            oldest = kept.pop(0)
            pixels -= oldest[2] * oldest[3]
            del self._compiled[oldest]


class DeferredRuntime:
    """A runtime on the CPU that is made when it is first run, as reading a graph takes time.

    Args:
        make: makes it.
        precision: that it will compute in.
    """

    device = "cpu"

    def __init__(self, make: Callable[[], Runtime], precision: Precision) -> None:
        self.precision: Precision = precision
        self._make = make
        self._made: Runtime | None = None
        self._lock = Lock()

    def free_memory(self) -> int:
        """See :class:`Runtime`."""
        return free_memory()

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See :class:`Runtime`."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return self._made(image)


class TorchRuntime:
    """A network in PyTorch, which is imported only here.

    Args:
        network: in evaluation mode; it is moved to the device.
        device: its name in PyTorch.
        precision: ``f32`` is true float32, without TensorFloat32; or ``bf16``.
    """

    def __init__(self, network: Any, device: str, precision: Precision = "f32") -> None:
        import torch

        self.device = device
        self.precision: Precision = precision
        self._torch: Any = torch
        self._network = network.eval().to(device, memory_format=torch.channels_last)
        self._lock = Lock()

    def free_memory(self) -> int:
        """See :class:`Runtime`."""
        if self.device.startswith("cuda"):
            return self._torch.cuda.mem_get_info()[0]
        return free_memory()

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See :class:`Runtime`."""
        with self._lock:
            try:
                return self._run(image)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                failure = str(error)
            # Only now is the failed run's own memory free.
            if self.device.startswith("cuda"):
                self._torch.cuda.empty_cache()
            raise MemoryError(failure)

    def _run(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        torch = self._torch
        tensor = torch.from_numpy(image).to(self.device, memory_format=torch.channels_last)
        half = torch.autocast(
            self.device.partition(":")[0], torch.bfloat16, enabled=self.precision == "bf16"
        )
        exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, allow_tf32=False)
        with torch.inference_mode(), half, exact:
            return self._network.restore(tensor).float().cpu().numpy()


class AdaptedRuntime:
    """A runtime of a graph with its own value range, or for one size alone.

    Args:
        runtime: what to run.
        white: value of white in its input and output.
        size: the only (height, width) that it takes; smaller images are filled up by repeating
            their right and bottom edges, and the result is cropped.
    """

    def __init__(self, runtime: Runtime, white: float, size: tuple[int, int] | None) -> None:
        self.device = runtime.device
        self.precision: Precision = runtime.precision
        self.free_memory = runtime.free_memory
        self._runtime = runtime
        self._white = np.float32(white)
        self._size = size

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See :class:`Runtime`."""
        height, width = image.shape[2:]
        rows, columns = self._size or (height, width)
        missing = (0, 0), (0, 0), (0, rows - height), (0, columns - width)
        result = self._runtime(np.pad(image, missing, mode="edge") * self._white)
        scale = result.shape[2] // rows
        return result[..., : scale * height, : scale * width].astype(np.float32) / self._white


class FiniteRuntime:
    """A runtime whose results are finite: others are computed once more in float32.

    Args:
        runtime: what to run.
        make_exact: makes the same network's runtime in float32 when it is first needed; None
            where ``runtime`` computes in float32 already.
        make_int8: makes the same network's runtime for photographs, likewise; None where they
            are computed as all images are.
    """

    def __init__(
        self,
        runtime: Runtime,
        make_exact: Callable[[], Runtime] | None = None,
        make_int8: Callable[[], Runtime] | None = None,
    ) -> None:
        self.runtime = runtime
        self.has_int8 = make_int8 is not None
        self._make_exact = make_exact
        self._make_int8 = make_int8
        self._exact: Runtime | None = None
        self._int8: FiniteRuntime | None = None
        self._lock = Lock()

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run as :class:`Runtime` does.

        Raises:
            FloatingPointError: the result is not finite in float32 either.
            MemoryError: there is not enough for this size.
        """
        result = self.runtime(image)
        if not _is_finite(result) and self._make_exact is not None:
            result = self.exact(image)
        return _checked(result)

    def run_exactly(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run in float32, whatever the runtime computes in; see :meth:`__call__`."""
        return _checked(self.exact(image))

    @property
    def exact(self) -> Runtime:
        """The network in float32."""
        if self._make_exact is None:
            return self.runtime
        with self._lock:
            if self._exact is None:
                self._exact = self._make_exact()
            return self._exact

    @property
    def for_photographs(self) -> FiniteRuntime:
        """The network for photographs; itself where there is no other."""
        if self._make_int8 is None:
            return self
        with self._lock:
            if self._int8 is None:
                self._int8 = FiniteRuntime(self._make_int8(), lambda: self.exact)
            return self._int8


def _checked(result: NDArray[np.float32]) -> NDArray[np.float32]:
    if not _is_finite(result):
        raise FloatingPointError("the network's result is not finite")
    return result


def _is_finite(result: NDArray[np.float32]) -> bool:
    # A sum over values that are not finite is not finite, and takes one pass.  In float32 it would
    # take 1e31, which no image has, to overflow.
    return isfinite(float(result.sum()))
