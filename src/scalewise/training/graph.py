"""CUDA graph capture of a training step: one launch instead of thousands.

A small network's kernels take less time than Python needs to launch them, so a GPU waits.  A CUDA
graph records a step's kernels once and launches them together.  It reads and writes the same memory
every time, so whatever changes from step to step lies in static tensors: the uploaded inputs, and
the :class:`StepValue` of the learning rate and of the average's decay.

The first step runs uncaptured on a side stream, as PyTorch's documentation asks: libraries choose
their algorithms, ``torch.compile`` compiles and the optimizer allocates its state.  The second
is captured.  See https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol

import torch
from torch import Tensor, nn

from scalewise.errors import ScalewiseError
from scalewise.models import RestorationNetwork
from scalewise.models.cleaning import CleanedNetwork
from scalewise.training.batches import Inputs

Operations = Callable[[Inputs], Tensor]
"""A step: it maps the uploaded tensors on the device to the loss, and updates all else in place.
For one variant it launches the same kernels every time, and the host never waits for them."""


class Step(Protocol):
    """Something that takes a training step."""

    def __call__(self, inputs: Inputs, variant: Hashable = None) -> Tensor:
        """Take a step and return its loss, on the device.

        Args:
            inputs: the step's upload.
            variant: key of everything that the choice of the step's operations depends on.
        """
        ...


class StepValue:
    """A number that changes from step to step: a tensor on a device, where a graph reads it.

    Args:
        device: the device on which a graph reads it; None for a plain number.
    """

    def __init__(self, device: torch.device | None) -> None:
        self.value: float | Tensor = 0.0 if device is None else torch.zeros((), device=device)

    def set(self, number: float) -> float | Tensor:
        """Change the number, and return it in the form that the step reads."""
        if isinstance(self.value, Tensor):
            self.value.fill_(number)
        else:
            self.value = number
        return self.value


def can_capture(device: torch.device, processes: int, compile: bool | str) -> bool:
    """Return whether a run's steps can be captured in a CUDA graph.

    It needs a GPU and a single process, and ``torch.compile`` must not make CUDA graphs of its
    own.
    """
    own_graphs = compile in ("reduce-overhead", "max-autotune")
    return device.type == "cuda" and processes == 1 and not own_graphs


def make_step(
    operations: Operations, device: torch.device, capture: bool, notify: Callable[[str], None]
) -> Step:
    """Return a step that is captured in a CUDA graph, or the plain one.

    Args:
        operations: the operations of the step.
        device: the device that it runs on.
        capture: whether to capture it; see :func:`can_capture`.
        notify: called with one line if the capture fails.
    """
    if capture:
        return GraphedStep(operations, device, notify)
    return PlainStep(operations, device)


class PlainStep:
    """A step whose operations are launched one by one."""

    def __init__(self, operations: Operations, device: torch.device) -> None:
        self._operations, self._device = operations, device

    def __call__(self, inputs: Inputs, variant: Hashable = None) -> Tensor:
        """Take a step; see :class:`Step`."""
        return self._operations(
            tuple(each.to(self._device, non_blocking=True) for each in inputs)
        ).detach()


class Graph(Protocol):
    """Operations that are recorded once and replayed."""

    def warm_up(self, run: Callable[[], Tensor]) -> Tensor:
        """Run operations as their capture will, and return what they return."""
        ...

    def capture(self, run: Callable[[], Tensor]) -> Tensor:
        """Record operations without running them, and return the tensor that replays write."""
        ...

    def replay(self) -> None:
        """Run the recorded operations."""
        ...


class CudaGraph:
    """A CUDA graph; everything that needs a GPU is here."""

    def __init__(self) -> None:
        self._graph = torch.cuda.CUDAGraph()

    def warm_up(self, run: Callable[[], Tensor]) -> Tensor:
        """Run operations on a side stream; see :class:`Graph`."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            result = run().clone()
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.synchronize()  # the preparation must not count as a step's time
        return result

    def capture(self, run: Callable[[], Tensor]) -> Tensor:
        """Record operations; threads may page-lock memory meanwhile.  See :class:`Graph`."""
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            return run()

    def replay(self) -> None:
        """Launch the graph."""
        self._graph.replay()


class GraphedStep:
    """A step that is captured the second time it is taken, and replayed from then on.

    A new variant is captured again.  If a capture fails, the step runs uncaptured.

    Args:
        operations: the operations of the step.
        device: the device that it runs on.
        notify: called with one line if a capture fails, with the reason.
        new_graph: factory of graphs.
    """

    def __init__(
        self,
        operations: Operations,
        device: torch.device,
        notify: Callable[[str], None],
        new_graph: Callable[[], Graph] | None = None,
    ) -> None:
        self._operations, self._device, self._notify = operations, device, notify
        self._new_graph = new_graph or CudaGraph
        self._inputs: Inputs = ()
        self._graph: Graph | None = None
        self._loss: Tensor | None = None  # the tensor that a captured graph writes
        self._variant: Hashable = None
        self._failed = False

    def __call__(self, inputs: Inputs, variant: Hashable = None) -> Tensor:
        """Take a step; see :class:`Step`."""
        is_new = variant != self._variant
        if is_new:
            self._inputs = ()  # a variant may have inputs of other shapes
        self._fill(inputs)
        if self._failed:
            self._variant = variant
            return self._run()
        if self._graph is None or is_new:
            self._graph, self._loss, self._variant = self._new_graph(), None, variant
            return self._graph.warm_up(self._run)
        if self._loss is None:
            try:
                self._loss = self._graph.capture(self._run)
            except RuntimeError as error:  # no operation has run
                self._failed, self._graph = True, None
                reason = str(error).strip().splitlines()[:1]
                self._notify(f"steps run without a CUDA graph: {' '.join(reason)}")
                return self._run()
        self._graph.replay()
        return self._loss.clone()  # the next replay overwrites it

    def _run(self) -> Tensor:
        return self._operations(self._inputs).detach()

    def _fill(self, inputs: Inputs) -> None:
        if not self._inputs:
            self._inputs = tuple(torch.empty_like(each, device=self._device) for each in inputs)
        for static, each in zip(self._inputs, inputs, strict=True):
            static.copy_(each, non_blocking=True)


def compiled(network: RestorationNetwork, choice: bool | str, captured: bool) -> nn.Module:
    """Return the network, compiled as the recipe's ``compile`` says.

    Args:
        network: the network, on its device.
        choice: false, true for the mode that suits the device, or a mode of ``torch.compile``.
        captured: whether whole steps are captured in a CUDA graph; then the compiler must not make
            graphs.

    Raises:
        ScalewiseError: a network with a cleaning is not on a GPU.  PyTorch (2.13) then compiles
            the gradient of replicated edges wrongly for channels-last tensors.
    """
    if choice is False:
        return network
    on_gpu = next(network.parameters()).device.type == "cuda"
    if not on_gpu and isinstance(network, CleanedNetwork):
        raise ScalewiseError(
            "compile: works on a GPU only with model.settings.denoise or artifacts; leave it out"
        )
    if choice is True:
        autotuned = "max-autotune-no-cudagraphs" if captured else "max-autotune"
        choice = autotuned if on_gpu else "default"
    return torch.compile(network, mode=choice)  # pyright: ignore
