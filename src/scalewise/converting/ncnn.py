"""ncnn files, written by pnnx and run by ncnn; both packages belong to the extra ``[ncnn]``."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from scalewise.converting.source import Source
from scalewise.errors import ScalewiseError, requiring
from scalewise.models.probe import Image, Run

INPUT, OUTPUT = "in0", "out0"
"""Names that pnnx gives to input and output."""


def write_ncnn(source: Source, target: Path, size: tuple[int, int] | None) -> Run:
    """Write ``.param`` and ``.bin`` in float32, and return what runs them.

    Args:
        source: the model.
        target: the ``.param`` file, in a folder of its own.
        size: the only (height, width); None for any that are multiples of the model's.

    Raises:
        ScalewiseError: pnnx or ncnn is not installed, or ncnn lacks an operator of the model.
    """
    with requiring("pnnx", "writing ncnn's files"):
        pnnx: Any = import_module("pnnx")
    with requiring("ncnn", "checking ncnn's files"):
        import_module("ncnn")
    folder = target.parent / "pnnx"
    folder.mkdir()
    given = _traced(source, folder, size)
    sides = (
        [size] if size else [(8 * source.multiple,) * 2, (5 * source.multiple, 7 * source.multiple)]
    )
    shapes = [f"[1,{source.channels},{height},{width}]f32" for height, width in sides]
    names = ("inputshape", "inputshape2")
    arguments = [f"{name}={shape}" for name, shape in zip(names, shapes, strict=False)]
    command = [pnnx.EXEC_PATH, given.name, *arguments, "fp16=0", "device=cpu"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    made = [folder / f"{given.stem}.ncnn{suffix}" for suffix in (".param", ".bin")]
    if done.returncode or not all(file.is_file() for file in made):
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        raise ScalewiseError(
            f"pnnx cannot convert {source.name} ({lines[-1].strip()}){_mend(source)}"
        )
    if missing := _missing(made[0]):
        raise ScalewiseError(f"ncnn has no {missing}, which {source.name} needs{_mend(source)}")
    files = [target, target.with_suffix(".bin")]
    for old, new in zip(made, files, strict=True):
        old.replace(new)
    shutil.rmtree(folder)
    return _run_of(source.name, *files)


def _missing(param: Path) -> str:
    """Return the operators that pnnx left as they are, as a text; ncnn's have no dots."""
    lines = param.read_text(encoding="utf-8").splitlines()[2:]
    kinds = (line.split()[0] for line in lines if line.strip())
    return ", ".join(sorted({kind for kind in kinds if "." in kind or ":" in kind}))


def _mend(source: Source) -> str:
    if source.graph is None:
        return ""
    return "; few graphs can become ncnn's: convert the model that it was made from"


def _traced(source: Source, folder: Path, size: tuple[int, int] | None) -> Path:
    """Return a file that pnnx reads: a traced network, or a copy of a graph."""
    if source.graph is not None:
        return Path(shutil.copy(source.graph, folder / "model.onnx"))
    from scalewise.models.export import aligned

    torch: Any = import_module("torch")

    assert source.network is not None
    side = 8 * source.multiple
    example = torch.zeros(1, source.channels, *(size or (side, side)))
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of tracing
        traced: Any = torch.jit.trace(aligned(source.network), example, check_trace=False)
    traced.save(str(folder / "model.pt"))
    return folder / "model.pt"


def _run_of(name: str, param: Path, weights: Path) -> Run:
    """Return what runs ncnn's files on the CPU in float32."""
    ncnn: Any = import_module("ncnn")
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
        setattr(net.opt, f"use_{option}", False)
    if net.load_param(str(param)) or net.load_model(str(weights)):
        raise ScalewiseError(f"ncnn lacks an operator of {name}")

    def run(image: Image) -> Image:
        extractor = net.create_extractor()
        given = ncnn.Mat(image[0]).clone()  # which copies: the array's memory is not ncnn's
        extractor.input(INPUT, given)
        failed, result = extractor.extract(OUTPUT)
        if failed:
            raise ScalewiseError(f"ncnn cannot run {name}; the result was not kept")
        return np.array(result)[None]

    return run
