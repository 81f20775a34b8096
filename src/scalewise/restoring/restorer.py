"""The restorer: a released network, ready to be given pictures."""

from __future__ import annotations

from numbers import Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol

import numpy as np

from scalewise.errors import ScalewiseError, warn
from scalewise.files import PictureWriter, check_target, open_picture
from scalewise.restoring.devices import ChosenPrecision, choose_device, choose_precision
from scalewise.restoring.engine import Cut, restored
from scalewise.restoring.enlarging import enlarge
from scalewise.restoring.ensemble import ensembled
from scalewise.restoring.inputs import read_input
from scalewise.restoring.memory import bytes_per_pixel, choose_tile
from scalewise.restoring.rows import (
    Progress,
    Rows,
    RowSink,
    RowSource,
    rows_of,
    rows_of_array,
    to_array,
)
from scalewise.restoring.runtime import Finite, OpenVinoRuntime, Precision, Runtime, TorchRuntime
from scalewise.restoring.samples import FloatImage
from scalewise.restoring.sizes import Target
from scalewise.restoring.window import Network, Run
from scalewise.weights import clean_sibling, find_release
from scalewise.weights.card import GRAPH_FILE, INT8_FILE, WEIGHTS_FILE, checked_file, read_card

Tile = int | Literal["auto"] | None

DEFAULT_TILE: Tile = "auto"
OVERLAP = 24
"""Input pixels between a used pixel and a tile's inner edge, for networks without a pyramid;
they are only called ``exact`` if they see no further."""
PYRAMID_OVERLAP = 28
"""The same for pyramids, which see further, ever less: at least so much, and ``PYRAMID_PIXELS``
of the coarsest level's pixels.  What that makes of levels of 255 between
tiled and whole with scn_x2, at worst: on photographs 0.11 (with 24: 0.23; with 16: 0.99), on
black and white noise 0.10, on a checkerboard of single pixels 0.13 (with 24: 0.41)."""
PYRAMID_PIXELS = 7
BLEND = 14
"""Input pixels to either side of a cut over which tiles of ``blended`` networks fade."""


class Traits(Protocol):
    """What must be known of a network to run it; a model's card and a network both tell."""

    @property
    def scale(self) -> int:
        """Output over input size."""
        ...

    @property
    def channels(self) -> int:
        """1 (grey) or 3 (RGB)."""
        ...

    @property
    def multiple(self) -> int:
        """What height and width must be multiples of."""
        ...

    @property
    def tiling(self) -> Literal["exact", "blended", "whole"]:
        """How it may be cut into tiles."""
        ...

    @property
    def architecture(self) -> str:
        """Its name in the registry of models."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """What it was built with."""
        ...


def check_strength(strength: float) -> None:
    """Refuse a strength that is not a number from 0 to 1."""
    if not isinstance(strength, Real) or not 0 <= strength <= 1:
        raise ScalewiseError(f"strength must be from 0 to 1, not {strength}")


class Restorer:
    """A network that restores arrays and pictures of any size; threads may share it.

    Args:
        name: what the network is called.
        traits: what it needs.
        runtime: the network itself, or in bfloat16 a :class:`Finite` that can do without.
        tile: input pixels used of a tile along either axis; ``"auto"`` goes by the free memory,
            up to 640; None runs pictures whole.  Networks whose tiling is ``whole`` always run
            so: tiles would change their result.
        allow_local: cut even ``whole`` networks' pictures: each tile is then restored for
            itself, and the result is another one.
        high_bit_depth_in_f32: restore pictures of more than 8 bits in float32, whatever the runtime
            computes in, for bfloat16 has no more than 8 bits itself.
        strength: how much is kept of what the network makes, in [0, 1].
        blend_with: the network that makes the rest; None for the picture as it is, at scale 1.
        ensemble: take the mean over the eight views of each tile, which is a little better and
            takes eight times as long.

    Raises:
        ScalewiseError: a strength beyond its range, or below 1 where there is no rest.
    """

    def __init__(
        self,
        name: str,
        traits: Traits,
        runtime: Runtime | Finite,
        tile: Tile = DEFAULT_TILE,
        *,
        allow_local: bool = False,
        high_bit_depth_in_f32: bool = False,
        strength: float = 1.0,
        blend_with: Restorer | None = None,
        ensemble: bool = False,
    ) -> None:
        check_strength(strength)
        if strength < 1 and traits.scale != (blend_with.scale if blend_with else 1):
            raise ScalewiseError(f"{name} only enlarges: it has no strength to choose")
        self.name = name
        self.scale = traits.scale
        self._finite = runtime if isinstance(runtime, Finite) else Finite(runtime)
        self.runtime = self._finite.runtime
        self.tile = None if traits.tiling == "whole" and not allow_local else tile
        self._traits = traits
        self._high_bit_depth_in_f32 = high_bit_depth_in_f32
        self._strength = strength
        self._blend_with = blend_with
        self._ensemble = ensemble

    def restore(self, image: Any, progress: Progress | None = None) -> Any:
        """Restore an array, at the network's own scale.

        Args:
            image: (H, W) or (H, W, C) with C 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB,
                alpha); uint8 or uint16 over its full range, or floating in [0, 1] but for
                noise.  Grey stays exactly grey.  It may be all that :meth:`upscale` takes.
            progress: told what is done.

        Returns:
            ``scale`` times as high and wide, in the input's dtype and number of axes and
            channels; integers rounded, all clipped to their range.

        Raises:
            ScalewiseError: another shape or dtype, no memory, or a result that is not finite.
        """
        given = read_input(image, any_range=True)
        rows = rows_of_array(given.pixels, given.separate)
        return given.give_back(to_array(self.restored(rows, rows.dtype, progress)))

    def upscale(
        self,
        image: Any,
        progress: Progress | None = None,
        *,
        scale: float | None = None,
        width: int | None = None,
        height: int | None = None,
        fit: tuple[int, int] | None = None,
        max_megapixels: float | None = None,
    ) -> Any:
        """Restore an image at any size.

        Args:
            image: as for :func:`scalewise.upscale`, or a :class:`~scalewise.files.Picture`.
            progress: told what is done.
            scale, width, height, fit, max_megapixels: the size, as
                :class:`~scalewise.restoring.sizes.Target` takes it; the network's own scale
                without any of them.

        Returns:
            The image in the input's kind: a picture with all that it carries, an image of PIL,
            or an array.

        Raises:
            ScalewiseError: as :meth:`restore`, or a size out of reach.
        """
        target = Target(scale, width, height, fit, max_megapixels)
        given = read_input(image)
        return given.give_back(
            enlarge(given.pixels, [self], target, progress, separate=given.separate)
        )

    def restore_file(
        self,
        source: str | Path,
        target: str | Path,
        progress: Progress | None = None,
        *,
        overwrite: bool = False,
    ) -> None:
        """Restore a picture from file to file, with all that it carries; it need not fit into
        memory.

        Args:
            source: the picture.
            target: the result, in the format of its extension; missing folders are made.
            progress: told what is done.
            overwrite: replace a file that is there.

        Raises:
            ScalewiseError: the one cannot be read, or the other not written.
        """
        target = Path(target)
        with open_picture(source) as reader:
            width, height = reader.width * self.scale, reader.height * self.scale
            check_target(target, width, height, overwrite=overwrite)
            target.parent.mkdir(parents=True, exist_ok=True)
            kind = reader.channels, reader.dtype, reader.metadata
            with PictureWriter(target, width, height, *kind, overwrite=overwrite) as writer:
                self.stream(reader, writer, progress)
        for line in (*reader.warnings, *writer.warnings):
            warn(line)

    def stream(self, source: RowSource, sink: RowSink, progress: Progress | None = None) -> None:
        """Restore a picture that need not fit into memory, from rows to rows.

        Args:
            source: where its rows come from.
            sink: where the restored rows go, in the source's dtype.
            progress: told what is done.

        Raises:
            ScalewiseError: as :meth:`restore`, and what source and sink raise.
        """
        for block in self.restored(rows_of(source), source.dtype, progress).blocks:
            sink.write_rows(block)

    def restored(
        self,
        rows: Rows,
        dtype: np.dtype[Any],
        progress: Progress | None = None,
        *,
        deep: bool | None = None,
    ) -> Rows:
        """A picture's rows restored, as they are taken.

        Args:
            rows: the picture.
            dtype: of the result's samples.
            progress: told what is done.
            deep: whether it has more than 8 bits; None to go by its samples.
        """
        deep = rows.dtype != np.uint8 if deep is None else deep
        network = Network(
            self._run(exactly=self._high_bit_depth_in_f32 and deep),
            self.scale,
            self._traits.channels,
            self._traits.multiple,
        )
        total = rows.height * rows.width

        def done(pixels: int) -> None:
            if progress is not None:
                progress(pixels, total)

        return restored(rows, network, self._cut(rows.height, rows.width), dtype, done)

    def _run(self, exactly: bool) -> Run:
        """The network, as strong as it shall be."""
        run: Run = self._finite.run_exactly if exactly else self._finite
        run = ensembled(run) if self._ensemble else run
        if self._strength == 1:
            return run
        strength: Any = np.float32(self._strength)
        other = self._blend_with._run(exactly) if self._blend_with else None

        def mixed(image: FloatImage) -> FloatImage:
            weak = other(image) if other else image
            return weak + strength * (run(image) - weak)

        return mixed

    def _cut(self, height: int, width: int) -> Cut:
        traits = self._traits
        pyramid_overlap = max(PYRAMID_OVERLAP, PYRAMID_PIXELS * traits.multiple)
        overlap = OVERLAP if traits.multiple == 1 else pyramid_overlap
        blend = 0 if traits.tiling == "exact" else BLEND
        if isinstance(self.tile, int):
            return Cut(self.tile, overlap, blend)
        free = self.runtime.free_memory()
        per_pixel = bytes_per_pixel(traits.architecture, traits.settings)
        if self.tile == "auto":
            return Cut(choose_tile(free, per_pixel, overlap), overlap, blend)
        if traits.tiling != "whole":
            return Cut(max(height, width), overlap, blend)
        if height * width * per_pixel > free:
            raise ScalewiseError(
                f"{self.name} must see a picture whole, which takes about "
                f"{height * width * per_pixel / 1e9:.1f} GB of memory for {width}x{height}, and "
                f"{free / 1e9:.1f} GB are free; use another model, or allow tiles to be restored "
                "each for itself"
            )
        return Cut(None, overlap)


def load(
    model: str | Path,
    *,
    device: str = "auto",
    precision: ChosenPrecision = "auto",
    tile: Tile = DEFAULT_TILE,
    allow_local: bool = False,
    threads: int | None = None,
    strength: float = 1.0,
    ensemble: bool = False,
) -> Restorer:
    """Load a released model.

    Args:
        model: its name, or the path of its folder.
        device: ``cpu`` (OpenVINO), ``cuda`` or ``mps`` (PyTorch); ``auto`` takes a GPU that
            PyTorch can use, else the CPU.
        precision: what to compute in, ``f32``, ``bf16`` or, for photographs on the CPU,
            ``int8``; ``auto`` takes ``bf16`` where the device has it and the card tells that it
            costs less than 0.01 dB, and for pictures of 8 bits alone.
        tile, allow_local: as for :class:`Restorer`.
        threads: of the CPU, to compute with; None for all that the machine has.
        strength: how much is kept of what a model for noise, JPEG or photographs makes, in
            [0, 1]; the rest is the picture as it is or, where it grows, what the model for clean
            pictures makes.

    Raises:
        ScalewiseError: no such model or device, its files are damaged, or a strength beyond its
            range or for a model that only enlarges.
    """
    folder = find_release(model)
    card = read_card(folder)
    place = choose_device(device)
    chosen = choose_precision(precision, card, place)

    def open_runtime(precision: Precision) -> Runtime:
        if place == "cpu":
            graph = INT8_FILE if precision == "int8" else GRAPH_FILE
            checked_file(folder, card, WEIGHTS_FILE)  # which the graph may refer to
            return OpenVinoRuntime(checked_file(folder, card, graph), precision, threads)
        from scalewise.weights.release import load_network

        return TorchRuntime(load_network(folder), place, precision)

    runtime = Finite(open_runtime(chosen), None if chosen == "f32" else lambda: open_runtime("f32"))
    blend_with = None
    if strength < 1 and (sibling := clean_sibling(card)) is not None:
        blend_with = load(sibling, device=device, precision=precision, threads=threads)
    return Restorer(
        card.name,
        card,
        runtime,
        tile,
        allow_local=allow_local,
        high_bit_depth_in_f32=precision == "auto",
        strength=strength,
        blend_with=blend_with,
        ensemble=ensemble,
    )


def load_trained(
    checkpoint: str | Path,
    *,
    precision: ChosenPrecision = "f32",
    tile: Tile = DEFAULT_TILE,
    allow_local: bool = False,
    ensemble: bool = False,
    settings: dict[str, Any] | None = None,
) -> Restorer:
    """Load a network that is not released, by exporting it first; this needs PyTorch.

    Args:
        checkpoint, settings: what :func:`scalewise.weights.release.load_network` takes.
        precision, tile, allow_local, ensemble: as for :func:`load`; ``auto`` is ``f32``, for no
            card tells what another would cost.

    Raises:
        ScalewiseError: nothing of that kind there, or damaged.
    """
    from scalewise.models.export import export_onnx
    from scalewise.weights.release import load_network

    network = load_network(checkpoint, **(settings or {}))
    chosen = choose_precision(precision, None, "cpu")
    with TemporaryDirectory() as folder:
        graph = Path(folder, GRAPH_FILE)
        export_onnx(network, graph)
        runtime = OpenVinoRuntime(graph, chosen)
    name = Path(checkpoint).name
    return Restorer(name, network, runtime, tile, allow_local=allow_local, ensemble=ensemble)
