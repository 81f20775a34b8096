"""Loading of models: which device, which precision, and a restorer from a model's files."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, get_args

from scalewise.arguments import (
    MAX_THREADS,
    check_choice,
    check_flag,
    check_number,
    is_whole,
    shown,
)
from scalewise.errors import ScalewiseError, warn
from scalewise.restoring.precision import (
    PrecisionChoice,
    choose_precision,
    takes_int8_for_photographs,
)
from scalewise.restoring.restorer import DEFAULT_TILE, Restorer, Tile, check_strength
from scalewise.restoring.runtime import (
    AdaptedRuntime,
    DeferredRuntime,
    FiniteRuntime,
    OpenVinoRuntime,
    Precision,
    Runtime,
    TorchRuntime,
)
from scalewise.restoring.tiling import SMALLEST_TILE
from scalewise.short_repr import short_repr
from scalewise.tasks import get_task, list_tasks
from scalewise.weights import Release, clean_sibling, resolve
from scalewise.weights.card import GRAPH_FILE, INT8_FILE, WEIGHTS_FILE, Card, checked_file
from scalewise.weights.model_files import describe, is_graph, is_model_file

if TYPE_CHECKING:
    from scalewise.models import RestorationNetwork

Device = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True, repr=False)
class LoadOptions:
    """Options for loading a model.

    Attributes:
        device: ``cpu`` (OpenVINO), ``cuda`` or ``mps`` (PyTorch); ``auto`` takes a GPU that
            PyTorch can use, else the CPU.
        precision: ``f32``, ``bf16`` or, for photographs on the CPU, ``int8``.  ``auto`` chooses
            for each image: ``int8`` for photographs where the card says that it costs less than
            0.02 dB, else ``bf16`` where the device has it and it costs less than 0.01 dB, else
            ``f32``; always ``f32`` for images of more than 8 bits.
        tile: input pixels used of a tile along either axis, which bounds memory; ``auto`` goes by
            the free memory; None runs images whole.
        force_tiling: cut images even for models that must see them whole; each tile is then
            restored by itself, and the result differs.
        threads: of the CPU; None for all that the machine has.
        strength: how much is kept of what a model for noise, JPEG or photographs changes, in
            [0, 1].  The rest is the input or, where it grows, what the model for clean images
            makes of it.
        ensemble: average over the eight views of each tile (self-ensemble, x8).

    >>> LoadOptions(tile=256)
    LoadOptions(tile=256)
    """

    device: Device = "auto"
    precision: PrecisionChoice = "auto"
    tile: Tile = DEFAULT_TILE
    force_tiling: bool = False
    threads: int | None = None
    strength: float = 1.0
    ensemble: bool = False

    def __post_init__(self) -> None:
        check_strength(self.strength)
        check_choice("device", self.device, get_args(Device))
        check_choice("precision", self.precision, get_args(PrecisionChoice))
        check_flag("ensemble", self.ensemble)
        check_flag("force_tiling", self.force_tiling)
        if self.threads is not None:
            check_number("threads", self.threads, 1, MAX_THREADS, whole=True)
        tile = self.tile
        if tile is None or (isinstance(tile, str) and tile == "auto"):
            return
        if not is_whole(tile) or int(tile) < SMALLEST_TILE:
            raise ScalewiseError(
                f"tile must be {SMALLEST_TILE} pixels or more, 'auto' or None, not {shown(tile)}",
                arguments=["tile"],
            )
        object.__setattr__(self, "tile", int(tile))  # it may be an integer of NumPy's

    def __repr__(self) -> str:
        return short_repr(self)

    def tile_is_ignored(self, card: Card) -> bool:
        """Return whether a model sees images whole, whatever tile is given."""
        return card.tiling == "whole" and isinstance(self.tile, int) and not self.force_tiling

    def warn_of_ignored_tile(self, card: Card) -> None:
        """Warn if a model sees images whole, whatever tile is given."""
        if self.tile_is_ignored(card):
            warn(f"{card.name} sees images whole: tile= is ignored", arguments=["tile"])


def load(model: str | Path | Release, options: LoadOptions | None = None) -> Restorer:
    """Load a released model, or the file of another one.

    Args:
        model: its name, the path of its folder or file, or both resolved.
        options: how; all defaults if None.

    Raises:
        ScalewiseError: no such model or device, its files are damaged, or a strength below 1 for
            a model that only enlarges.
    """
    options = options or LoadOptions()
    folder, card = model if isinstance(model, Release) else resolve(model)
    if is_model_file(folder):
        return _load_file(folder, options)
    device = choose_device(options.device)
    precision = choose_precision(options.precision, card, device)

    def open_runtime(precision: Precision) -> Runtime:
        if device == "cpu":
            graph = INT8_FILE if precision == "int8" else GRAPH_FILE
            checked_file(folder, card, WEIGHTS_FILE)  # the graph may refer to it
            path = checked_file(folder, card, graph)
            return DeferredRuntime(
                lambda: OpenVinoRuntime(path, precision, options.threads), precision
            )
        from scalewise.weights.release import load_network

        return TorchRuntime(load_network(folder), device, precision)

    make_exact = None if precision == "f32" else lambda: open_runtime("f32")
    has_int8 = takes_int8_for_photographs(options.precision, card, device)
    make_int8 = (lambda: open_runtime("int8")) if has_int8 else None
    blend_with = None
    if options.strength < 1 and (sibling := clean_sibling(card)) is not None:
        plain = LoadOptions(
            device=options.device, precision=options.precision, threads=options.threads
        )
        blend_with = load(sibling, plain)
    return Restorer(
        card.name,
        card,
        FiniteRuntime(open_runtime(precision), make_exact, make_int8),
        options.tile,
        force_tiling=options.force_tiling,
        is_automatic=options.precision == "auto",
        strength=options.strength,
        blend_with=blend_with,
        ensemble=options.ensemble,
        keeps_flat=card.task in list_tasks() and get_task(card.task).only_enlarges,
    )


def _load_file(path: Path, options: LoadOptions) -> Restorer:
    """Load a model that is a single file; warn of what is assumed of it.

    Graphs run on the CPU by OpenVINO.  So do the networks of this package; those that spandrel
    loads run by PyTorch, on any device.
    """
    file = describe(path)
    device = choose_device(options.device)
    if is_graph(path) and device != "cpu":
        if options.device != "auto":
            raise ScalewiseError(
                f"device={device}: {path.name} is a graph, which runs on the CPU; choose cpu",
                arguments=["device"],
            )
        device = "cpu"
    precision = choose_precision(options.precision, None, device)
    tile = options.tile
    if is_graph(path):
        graph = OpenVinoRuntime(path, precision, options.threads)
        runtime: Runtime = AdaptedRuntime(graph, file.white, file.size)
    else:
        from scalewise.models import load_checkpoint
        from scalewise.models.spandrel_network import SpandrelNetwork

        network = load_checkpoint(path)
        if device != "cpu" or isinstance(network, SpandrelNetwork):
            runtime = TorchRuntime(network, device, precision)
        else:
            runtime = _exported(network, precision, options)
    if file.remark:
        warn(file.remark, arguments=["model"])
    return Restorer(
        file.card.name,
        file.card,
        runtime,
        tile,
        force_tiling=options.force_tiling or file.size is not None,
        strength=options.strength,
        ensemble=options.ensemble,
        overlap=file.overlap,
        window=file.size,
    )


def load_trained(
    checkpoint: str | Path,
    options: LoadOptions | None = None,
    settings: dict[str, Any] | None = None,
) -> Restorer:
    """Load a network that is not released, by exporting it first; this needs PyTorch.

    It runs on the CPU, and at full strength.

    Args:
        checkpoint, settings: as for :func:`scalewise.weights.release.load_network`.
        options: how; precision ``auto`` is ``f32``, because no card says what another would cost.

    Raises:
        ScalewiseError: nothing of that kind there, or damaged.
    """
    from scalewise.weights.release import load_network

    network = load_network(checkpoint, **(settings or {}))
    return load_exported(network, Path(checkpoint).name, options)


def load_exported(
    network: RestorationNetwork, name: str, options: LoadOptions | None = None
) -> Restorer:
    """Export a network and load the graph, as :func:`load_trained` does.

    Args:
        network: in memory.
        name: what the restorer is called.
        options: as for :func:`load_trained`.
    """
    options = options or LoadOptions()
    precision = choose_precision(options.precision, None, "cpu")
    runtime = _exported(network, precision, options)
    return Restorer(
        name,
        network,
        runtime,
        options.tile,
        force_tiling=options.force_tiling,
        ensemble=options.ensemble,
    )


def _exported(
    network: RestorationNetwork, precision: Precision, options: LoadOptions
) -> OpenVinoRuntime:
    from scalewise.models.export import export_onnx

    with TemporaryDirectory() as folder:
        graph = Path(folder, GRAPH_FILE)
        export_onnx(network, graph)
        return OpenVinoRuntime(graph, precision, options.threads)


def choose_device(device: Device) -> str:
    """Return the device to run on.

    ``auto`` takes a GPU where there is one and PyTorch can use it, else the CPU; PyTorch, which
    takes seconds to import, is asked only where the system shows signs of a GPU.

    Raises:
        ScalewiseError: a device that is not there.
    """
    if device == "auto":
        return next((gpu for gpu in ("cuda", "mps") if _is_usable(gpu, first_look=True)), "cpu")
    if device != "cpu" and not _is_usable(device):
        reason = "PyTorch is not installed" if find_spec("torch") is None else "none found"
        raise ScalewiseError(
            f"device={device}: there is no {device} device to run on ({reason}); choose cpu",
            arguments=["device"],
        )
    return device


def _is_usable(device: str, first_look: bool = False) -> bool:
    """Return whether a GPU can be used; ``first_look`` saves the import without signs of one."""
    if find_spec("torch") is None or (first_look and not _has_signs(device)):
        return False
    import torch

    backend: Any = torch.cuda if device == "cuda" else torch.backends.mps
    return bool(backend.is_available())


def _has_signs(device: str) -> bool:
    """Return whether the system shows signs of a GPU."""
    if device == "mps":
        return platform.system() == "Darwin" and platform.machine() == "arm64"
    return Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi") is not None
