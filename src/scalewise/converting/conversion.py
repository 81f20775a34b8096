"""Conversion of a model: written aside, checked against its source, and only then put in place."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scalewise.arguments import AnyPath, check_flag, naming_argument, path_of, require_new
from scalewise.atomic import write_atomic
from scalewise.converting.ncnn import write_ncnn
from scalewise.converting.parity import ODD_SIZES, largest_difference
from scalewise.converting.source import Source, open_source
from scalewise.errors import ScalewiseError, requiring
from scalewise.models import export_onnx, load_checkpoint
from scalewise.models.checkpoints import to_pth, to_safetensors
from scalewise.models.export import check_size
from scalewise.models.probe import Run
from scalewise.openvino_import import import_openvino, openvino_core
from scalewise.weights.card import GRAPH_FILE, INT8_FILE, WEIGHTS_FILE
from scalewise.weights.model_files import Graph, run_of

SUFFIXES = (".pth", ".safetensors", ".onnx", ".xml", ".param")
"""Suffixes of what a model can be converted to: BasicSR's checkpoints, safetensors, ONNX,
OpenVINO IR, and ncnn.  The last two come with a ``.bin``."""
_GRAPHS = (".onnx", ".xml", ".param")
_PAIRED = (".xml", ".param")


@dataclass(frozen=True)
class Conversion:
    """A conversion that passed its check.

    Attributes:
        files: the files that were written.
        scale: output over input size.
        channels: 1 (grey) or 3 (RGB).
        multiple: heights and widths must be multiples of it.
        size: the only (height, width) that the result takes; None for more than one.
        white: value of white in its input and output.
        difference: the largest difference from the source, as a part of white.
    """

    files: list[Path]
    scale: int
    channels: int
    multiple: int
    size: tuple[int, int] | None
    white: float
    difference: float

    @property
    def checked(self) -> str:
        """The sizes that it was checked on, as a text."""
        sizes = [self.size] if self.size else ODD_SIZES
        return f"on {' and '.join(f'{width}x{height}' for height, width in sizes)} pixels"


def convert(
    source: AnyPath,
    output: AnyPath,
    *,
    size: tuple[int, int] | None = None,
    pad: bool = True,
    settings: dict[str, Any] | None = None,
    overwrite: bool = False,
) -> Conversion:
    """Convert a model, run both on odd sizes, and keep the result only if it computes the same.

    Args:
        source: a released model's name or folder; a training run's folder or checkpoint; a
            ``.pth`` or ``.safetensors`` of other code; an ``.onnx``, or an ``.xml`` of OpenVINO.
        output: the file to write, with one of :data:`SUFFIXES`; its folder is made if missing.
        size: for graphs: the only (height, width) to take; None for any.
        pad: for ``.onnx`` and ``.xml`` of a network: pad inside, so that any size is taken.
            Without, as always for ncnn, sizes are multiples of the network's.
        settings: settings that a checkpoint does not hold, such as SCN's ``levels``.
        overwrite: replace files that are there, though never the source; if False, they are an
            error.

    Raises:
        ScalewiseError: there is no such source, it cannot become such a file, a package is
            missing, a file is in the way, or the result differs from the source.
    """
    path = path_of(output, "output")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ScalewiseError(
            f"output={path}: give a name that ends in {' or '.join(SUFFIXES)}", arguments=["output"]
        )
    check_size(size, 1)
    check_flag("pad", pad)
    if size is not None and suffix not in _GRAPHS:
        raise ScalewiseError(
            f"size={size[1]}x{size[0]}: {suffix} holds weights, which fit any size",
            arguments=["size"],
        )
    given = str(path_of(source, "source"))
    _check_target(path, Path(given), overwrite=overwrite)
    with naming_argument("source", "model"):
        opened = open_source(given, settings or {})
    if opened.size is not None and size not in (None, opened.size):
        raise ScalewiseError(
            f"{opened.name} takes {opened.size[1]}x{opened.size[0]} pixels alone",
            arguments=["size"],
        )
    size = opened.size or size
    pads = pad and opened.network is not None and suffix != ".param"
    check_size(size, 1 if pads else opened.multiple)
    with TemporaryDirectory() as folder:
        aside = Path(folder, path.name)
        run, multiple = _write(opened, aside, size, pad)
        difference = largest_difference(opened, run, multiple, size)
        del run  # which may hold the files
        made = sorted(Path(folder).iterdir(), key=lambda file: file.name == aside.name)
        contents = {path.with_name(file.name): file.read_bytes() for file in made}
    path.parent.mkdir(parents=True, exist_ok=True)
    for file, content in contents.items():  # the named one last
        write_atomic(file, content, overwrite=overwrite)
    shape = opened.scale, opened.channels, multiple, size, opened.white
    return Conversion([*contents][::-1], *shape, difference)


def _check_target(path: Path, source: Path, *, overwrite: bool) -> None:
    """Refuse a file that is the source or part of it, or that is there and may not be replaced.

    Raises:
        ScalewiseError: such a file; or a name whose ``.bin`` belongs to other files.
    """
    check_flag("overwrite", overwrite)
    _check_companion(path)
    targets = [path, path.with_suffix(".bin")] if path.suffix.lower() in _PAIRED else [path]
    for target in targets:
        if any(_is_same(target, file) for file in _files_of(source)):
            raise ScalewiseError(
                f"output={path}: {target.name} is a file of the source itself; give another name",
                arguments=["output"],
            )
    for target in targets:
        require_new(target, overwrite=overwrite)


def _files_of(source: Path) -> list[Path]:
    """Return the files that a model to convert is read from, or described by."""
    if source.suffix.lower() == ".xml":
        return [source, source.with_suffix(".bin")]
    release = [source / name for name in (WEIGHTS_FILE, GRAPH_FILE, INT8_FILE)]
    return [source, *release, *(source / name for name in ("best.pt", "last.pt"))]


def _is_same(first: Path, second: Path) -> bool:
    """Return whether two paths lead to one file, by links too."""
    try:
        return first.samefile(second)
    except OSError:  # one is not there
        return False


def _check_companion(path: Path) -> None:
    """Refuse a name whose ``.bin`` belongs to the other of OpenVINO and ncnn."""
    other = {".xml": ".param", ".param": ".xml"}.get(path.suffix.lower())
    if other is not None and path.with_suffix(other).is_file():
        raise ScalewiseError(
            f"output={path}: its {path.with_suffix('.bin').name} belongs to "
            f"{path.with_suffix(other).name}; give another name",
            arguments=["output"],
        )


def _write(
    source: Source, target: Path, size: tuple[int, int] | None, pad: bool
) -> tuple[Run, int]:
    """Write a model's file; return what runs it, and the multiple that sizes must be."""
    suffix = target.suffix.lower()
    if suffix == ".param":
        return write_ncnn(source, target, size), source.multiple
    if suffix in (".pth", ".safetensors"):
        return _write_weights(source, target), source.multiple
    multiple = source.multiple
    if source.network is not None:
        graph = target.with_suffix(".onnx")
        export_onnx(source.network, graph, any_size=pad, size=size, metadata=source.metadata)
        multiple = 1 if pad else multiple
        if suffix == ".xml":
            _write_ir(graph, target, None)
            graph.unlink()
    elif suffix == ".xml":
        _write_ir(_graph_of(source), target, size)
    else:
        _fix_size(_graph_of(source), target, size)
    return Graph(target), multiple


def _write_weights(source: Source, target: Path) -> Run:
    if source.network is None:
        raise ScalewiseError(
            f"{source.name}: a graph, which does not name the weights of its network; convert it "
            "to .onnx or .xml"
        )
    if target.suffix.lower() == ".pth":
        import torch

        content = io.BytesIO()
        torch.save(to_pth(source.network), content)
        target.write_bytes(content.getvalue())
    else:
        target.write_bytes(to_safetensors(source.network))
    return run_of(load_checkpoint(target))


def _graph_of(source: Source) -> Path:
    assert source.graph is not None  # a source is a network or a graph
    return source.graph


def _write_ir(graph: Path, target: Path, size: tuple[int, int] | None) -> None:
    """Write OpenVINO's ``.xml`` and ``.bin``, in float32."""
    model: Any = openvino_core().read_model(graph)
    if size is not None:
        model.reshape([1, model.inputs[0].partial_shape[1], *size])
    import_openvino().save_model(model, target, compress_to_fp16=False)


def _fix_size(graph: Path, target: Path, size: tuple[int, int] | None) -> None:
    """Write an ONNX graph again, for one size, and infer the shapes within."""
    if graph.suffix.lower() != ".onnx":
        raise ScalewiseError(f"{graph}: OpenVINO's files cannot become ONNX again")
    with requiring("onnx", "writing ONNX"):
        import onnx
    model: Any = onnx.load(str(graph))  # pyright: ignore[reportUnknownMemberType]
    if size is not None:
        for value in model.graph.input:
            sides = value.type.tensor_type.shape.dim
            for side, length in zip((sides[0], *sides[2:]), (1, *size), strict=True):
                side.dim_value = length
        for value in model.graph.output:
            value.type.tensor_type.ClearField("shape")
        del model.graph.value_info[:]
        model = onnx.shape_inference.infer_shapes(model)
    target.write_bytes(model.SerializeToString())
