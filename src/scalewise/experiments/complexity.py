"""Computational cost of a network: parameters, multiply-adds, seconds, memory, training step."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch
from torch.utils.flop_counter import FlopCounterMode

from scalewise.errors import ScalewiseError
from scalewise.experiments.data import SCALE
from scalewise.experiments.results import Complexity
from scalewise.models import RestorationNetwork, create_model
from scalewise.models.export import export_onnx
from scalewise.openvino_import import import_openvino
from scalewise.training.config import LossConfig, OptimizerConfig
from scalewise.training.losses import restoration_loss
from scalewise.training.machine import (
    autocast,
    pick_device,
    pick_dtype,
    process_settings,
    processor_name,
)
from scalewise.training.optimization import make_optimizer

SIDE = 512
"""Side of the image for timing inference, in input pixels."""

BATCH, PATCH = 16, 48
"""Patches per training step, and their side in input pixels."""

PATIENCE = 12.0
"""Seconds after which a measurement is not repeated any more."""


def measure_complexity(network: RestorationNetwork) -> Complexity:
    """Measure inference with OpenVINO in a fresh process, and a training step in this one.

    Raises:
        ScalewiseError: the fresh process failed.
    """
    device = pick_device("cpu")
    dtype = pick_dtype("auto", device)
    threads = torch.get_num_threads()
    found = _measure_inference(network, threads)
    megapixels = (SIDE * network.scale) ** 2 / 1e6
    return Complexity(
        parameters=network.parameter_count,
        multiply_adds=multiply_adds(network),
        seconds=found["seconds"] / megapixels,
        megabytes=found["megabytes"],
        step_seconds=_measure_step(network, device, dtype),
        runtime=f"OpenVINO {version('openvino')} f32",
        precision=str(dtype).removeprefix("torch."),
        threads=threads,
        processor=processor_name(),
    )


def is_current(found: Complexity) -> bool:
    """Return whether a network was timed on this machine, by as many threads as now."""
    here = (processor_name(), torch.get_num_threads())
    return found.seconds is not None and (found.processor, found.threads) == here


def count_operations(network: RestorationNetwork) -> Complexity:
    """Count parameters and multiply-adds, which takes no timing."""
    return Complexity(parameters=network.parameter_count, multiply_adds=multiply_adds(network))


@cache
def document_parameters(name: str) -> int:
    """Count the parameters of one of the document's networks, at its setting; it does not run."""
    return create_model(name, scale=SCALE).parameter_count


@cache
def document_network(name: str) -> Complexity:
    """Count parameters and multiply-adds of one of the document's networks, at its setting."""
    return count_operations(create_model(name, scale=SCALE))


def multiply_adds(network: RestorationNetwork) -> int:
    """Return the multiply-adds of convolutions and matrix products per output megapixel."""
    return round(multiply_adds_per_pixel(network) * 1e6 / network.scale**2)


def multiply_adds_per_pixel(network: RestorationNetwork) -> float:
    """Return the multiply-adds of convolutions and matrix products per input pixel."""
    side = 64
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network.eval()(torch.zeros(1, network.channels, side, side))
    return counter.get_total_flops() / 2 / side**2


def fastest(step: Callable[[], object], warm_up: int, repeats: int) -> float:
    """Return the shortest time of a step in seconds, of fewer repeats if they are slow."""
    return min(_times(step, warm_up, repeats))


def steady_median(step: Callable[[], object], warm_up: int, repeats: int) -> float:
    """Return the median time of a step in seconds, of fewer repeats if they are slow."""
    return statistics.median(_times(step, warm_up, repeats))


def _times(step: Callable[[], object], warm_up: int, repeats: int) -> list[float]:
    """Return the seconds of each step after the first ones; of the second step if all are slow.

    The first one is slower than all later ones: memory comes from the system, and convolutions are
    planned.
    """
    started = time.perf_counter()
    times: list[float] = []
    for _ in range(warm_up + repeats):
        before = time.perf_counter()
        step()
        times.append(time.perf_counter() - before)
        if len(times) > 1 and times[-1] + time.perf_counter() - started > PATIENCE:
            break
    return times[warm_up:] or times[1:] or times


def noise_step(
    network: RestorationNetwork,
    config: OptimizerConfig,
    shape: tuple[int, int],
    device: torch.device,
    dtype: torch.dtype,
) -> Callable[[], None]:
    """Return a training step on noise: forward, loss, backward and optimizer.

    Args:
        network: the network, which is moved to the device, and trained.
        config: that of the optimizer.
        shape: number of patches, and their side in input pixels.
        device, dtype: where and in what the network computes.
    """
    batch, side = shape
    network.to(device=device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimizer = make_optimizer(network, config)
    lr = torch.rand(batch, network.channels, side, side, device=device)
    hr = torch.rand(batch, network.channels, *[side * network.scale] * 2, device=device)
    lr = lr.contiguous(memory_format=torch.channels_last)

    def step() -> None:
        with autocast(device, dtype):
            restored: torch.Tensor = network(lr)
        loss = restoration_loss(restored.float(), hr, LossConfig())
        optimizer.zero_grad()
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
        optimizer.step()

    return step


def _measure_step(network: RestorationNetwork, device: torch.device, dtype: torch.dtype) -> float:
    """Return the seconds of a training step, on a copy of the network."""
    copy = create_model(network.architecture, **network.settings)
    step = noise_step(copy, OptimizerConfig(), (BATCH, PATCH), device, dtype)
    with process_settings(deterministic=False):
        return steady_median(step, warm_up=2, repeats=5)


def _measure_inference(network: RestorationNetwork, threads: int) -> dict[str, float]:
    """Return seconds and peak megabytes for one image, measured in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder, "model.onnx")
        export_onnx(network, graph)
        command = [sys.executable, "-m", __name__, str(graph), str(network.channels), str(threads)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise ScalewiseError(f"timing {network.architecture} failed: {(lines or ['killed'])[-1]}")
    return json.loads(done.stdout)


def _run_graph(graph: Path, channels: int, threads: int) -> dict[str, float]:
    """Load a graph, run it, and return seconds and megabytes; runs in the fresh process."""
    import numpy as np

    core: Any = import_openvino().Core()
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
    }
    before = _megabytes("VmRSS")
    compiled: Any = core.compile_model(core.read_model(graph), "CPU", settings)
    image = np.random.default_rng(0).random((1, channels, SIDE, SIDE), np.float32)
    seconds = fastest(lambda: compiled(image), warm_up=1, repeats=4)
    return {"seconds": seconds, "megabytes": _megabytes("VmHWM") - before}


def _megabytes(key: Literal["VmRSS", "VmHWM"]) -> float:
    """Return this process's resident memory, current or peak; without /proc always the peak.

    ``ru_maxrss`` is only the fallback: a child inherits it from its parent, so it may include
    all the memory of a training.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    found = _run_graph(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(json.dumps(found))
