"""The restorer: a loaded network that restores arrays, images and files of any size."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import (
    AnyPath,
    check_flag,
    check_has,
    check_progress,
    naming_argument,
    path_of,
    shown,
)
from scalewise.errors import ScalewiseError, warn
from scalewise.files import PictureWriter, check_target, open_picture
from scalewise.imaging.blind_estimation import estimate_content
from scalewise.imaging.content import Content
from scalewise.models.tile_overlap import BLEND, Tiling, tile_overlap
from scalewise.restoring.cascade import upscale_array
from scalewise.restoring.channels import Network, Run, keeping_flat
from scalewise.restoring.ensemble import self_ensemble
from scalewise.restoring.inputs import read_input
from scalewise.restoring.jobs import require_other
from scalewise.restoring.look import content_of_opened
from scalewise.restoring.memory import bytes_per_pixel, choose_tile
from scalewise.restoring.rows import (
    FloatImage,
    Progress,
    Rows,
    RowSink,
    RowSource,
    rows_of,
    rows_of_array,
    to_array,
)
from scalewise.restoring.runtime import FiniteRuntime, Precision, Runtime
from scalewise.restoring.sizes import Target
from scalewise.restoring.tiling import TilingOptions, in_window, restore_rows

Tile = int | Literal["auto"] | None

DEFAULT_TILE: Tile = "auto"


class Traits(Protocol):
    """Traits of a network that its user must know; a model's card and a network both have them."""

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
        """Height and width must be multiples of it."""
        ...

    @property
    def tiling(self) -> Tiling:
        """The way in which images may be cut into tiles."""
        ...

    @property
    def architecture(self) -> str:
        """Its name in the registry of models."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that it was built with."""
        ...


def check_strength(strength: float) -> None:
    """Refuse a strength that is not a number from 0 to 1."""
    if not isinstance(strength, Real) or not 0 <= strength <= 1:
        raise ScalewiseError(
            f"strength must be from 0 to 1, not {shown(strength)}", arguments=["strength"]
        )


class Restorer:
    """A network that restores arrays and images of any size; threads may share it.

    Args:
        name: of the network.
        traits: what it needs.
        runtime: the network itself, or in bfloat16 a :class:`FiniteRuntime` that has another in
            float32.
        tile: input pixels used of a tile along either axis; ``"auto"`` goes by the free memory,
            up to 640; None runs images whole.  Networks whose tiling is ``whole`` always run
            so: tiles would change their result.
        force_tiling: cut images even for ``whole`` networks: each tile is then restored by
            itself, and the result differs.
        is_automatic: choose the precision by the image: photographs in 8-bit integers, where the
            runtime has them; images of more than 8 bits in float32, because bfloat16 has no more
            than 8 bits itself.
        strength: how much is kept of what the network changes, in [0, 1].
        blend_with: the network that makes the rest; None for the input itself, at scale 1.
        ensemble: average over a tile's eight views (x8): a little better, eight times as slow.
        overlap: input pixels by which tiles overlap; None to go by ``multiple``.
        window: the only (height, width), overlaps included, of every tile; None for any.
        keeps_flat: leave flat areas as they are, where inputs have no faults.

    Raises:
        ScalewiseError: a strength beyond its range, or below 1 where there is no rest.
    """

    def __init__(
        self,
        name: str,
        traits: Traits,
        runtime: Runtime | FiniteRuntime,
        tile: Tile = DEFAULT_TILE,
        *,
        force_tiling: bool = False,
        is_automatic: bool = False,
        strength: float = 1.0,
        blend_with: Restorer | None = None,
        ensemble: bool = False,
        overlap: int | None = None,
        window: tuple[int, int] | None = None,
        keeps_flat: bool = False,
    ) -> None:
        check_strength(strength)
        if strength < 1 and traits.scale != (blend_with.scale if blend_with else 1):
            raise ScalewiseError(
                f"{name} only enlarges: leave out strength={strength:g}", arguments=["strength"]
            )
        self.name = name
        self.scale = traits.scale
        self._finite = runtime if isinstance(runtime, FiniteRuntime) else FiniteRuntime(runtime)
        self.runtime = self._finite.runtime
        self.tile: Tile = None if traits.tiling == "whole" and not force_tiling else tile
        self.traits = traits
        self.is_automatic = is_automatic
        self.strength = strength
        self._blend_with = blend_with
        self._ensemble = ensemble
        self._overlap = overlap
        if window is not None and ensemble:  # whose views are turned
            window = min(window), min(window)
        self._window = window
        self._keeps_flat = keeps_flat

    def __repr__(self) -> str:
        device, precision = self.runtime.device, self.runtime.precision
        return f"<Restorer {self.name}: x{self.scale}, {precision} on {device}, tile {self.tile}>"

    @property
    def multiple(self) -> int:
        """Height and width of what the network is given are multiples of it."""
        return self.traits.multiple

    def with_strength(self, strength: float, blend_with: Restorer | None = None) -> Restorer:
        """Return a restorer of another strength that uses the same loaded network.

        Args:
            strength, blend_with: as for :class:`Restorer`.
        """
        return self._with(self._finite, strength, blend_with)

    def _with(
        self, runtime: FiniteRuntime, strength: float, blend_with: Restorer | None
    ) -> Restorer:
        return Restorer(
            self.name,
            self.traits,
            runtime,
            self.tile,
            force_tiling=True,  # this restorer's tile says already whether it may be cut
            is_automatic=self.is_automatic,
            strength=strength,
            blend_with=blend_with,
            ensemble=self._ensemble,
            overlap=self._overlap,
            window=self._window,
            keeps_flat=self._keeps_flat,
        )

    @property
    def depends_on_content(self) -> bool:
        """True if photographs have a precision of their own."""
        return self.is_automatic and self._finite.has_int8

    def precision_for(self, dtype: np.dtype[Any]) -> Precision:
        """Return the precision in which images with samples of a type are computed."""
        is_exact = self.is_automatic and _is_deep(dtype)
        return "f32" if is_exact else self.runtime.precision

    def for_content(self, content: Content) -> Restorer:
        """Return the restorer for images of a content, which shares the loaded networks."""
        if content != "photograph" or not self.depends_on_content:
            return self
        blend_with = self._blend_with and self._blend_with.for_content(content)
        return self._with(self._finite.for_photographs, self.strength, blend_with)

    def restore(self, image: Any, *, progress: Progress | None = None) -> Any:
        """Restore an array, at the network's own scale.

        Args:
            image: (H, W) or (H, W, C) with C 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB,
                alpha); uint8 or uint16 over its full range, or floating in [0, 1] except for
                noise.  Grey stays exactly grey.  All that :meth:`upscale` takes is accepted.
            progress: called with the pixels done, and all of them.

        Returns:
            ``scale`` times as high and wide, in the input's dtype and number of axes and
            channels; integers rounded, all clipped to their range.

        Raises:
            ScalewiseError: another shape, type or range, no memory, or infinite results.
        """
        check_progress(progress)
        given = read_input(image)
        rows = rows_of_array(given.pixels, given.separate)
        suited = self._for_array(given.pixels)
        return given.give_back(to_array(suited.restore_rows(rows, rows.dtype, progress)))

    def upscale(
        self,
        image: Any,
        *,
        progress: Progress | None = None,
        scale: float | None = None,
        width: int | None = None,
        height: int | None = None,
        fit: tuple[int, int] | None = None,
        max_megapixels: float | None = None,
    ) -> Any:
        """Restore an image at any size.

        Args:
            image: as for :func:`scalewise.upscale`, or a :class:`~scalewise.files.Picture`.
            progress: as for :meth:`restore`.
            scale, width, height, fit, max_megapixels: the size, as for
                :class:`scalewise.Target`; the network's own scale without any of them.

        Returns:
            The image in the input's kind: a :class:`~scalewise.files.Picture` with its metadata,
            an image of PIL, or an array.

        Raises:
            ScalewiseError: as :meth:`restore`, or a size out of reach.
        """
        check_progress(progress)
        target = Target(scale, width, height, fit, max_megapixels)
        given = read_input(image)
        suited = [self._for_array(given.pixels)]
        return given.give_back(
            upscale_array(given.pixels, suited, target, progress, separate=given.separate)
        )

    def _for_array(self, image: NDArray[Any]) -> Restorer:
        return self.for_content(estimate_content(image)) if self._chooses(image.dtype) else self

    def _chooses(self, dtype: np.dtype[Any]) -> bool:
        """Return whether an image's content is looked at: its samples have 8 bits."""
        return self.depends_on_content and not _is_deep(dtype)

    def restore_file(
        self,
        source: AnyPath,
        target: AnyPath,
        *,
        progress: Progress | None = None,
        overwrite: bool = False,
    ) -> None:
        """Restore an image from file to file, with its metadata; it need not fit into memory.

        Args:
            source: the image.
            target: the result, in the format of its extension; missing folders are made.
            progress: as for :meth:`restore`.
            overwrite: replace an existing file.

        Raises:
            ScalewiseError: the image cannot be read, or the result cannot be written.
        """
        source, target = path_of(source, "source"), path_of(target, "target")
        check_progress(progress)
        check_flag("overwrite", overwrite)
        with naming_argument("source"):
            opened = open_picture(source)
        with opened as reader:
            width, height = reader.width * self.scale, reader.height * self.scale
            with naming_argument("target"):
                require_other(source, target)
                check_target(target, width, height, overwrite=overwrite)
                target.parent.mkdir(parents=True, exist_ok=True)
            kind = reader.channels, reader.dtype, reader.metadata
            with PictureWriter(target, width, height, *kind, overwrite=overwrite) as writer:
                looks = self._chooses(reader.dtype)
                suited = self.for_content(content_of_opened(reader)) if looks else self
                suited.stream(reader, writer, progress)
        for line in (*reader.warnings, *writer.warnings):
            warn(line)

    def stream(self, source: RowSource, sink: RowSink, progress: Progress | None = None) -> None:
        """Restore an image that need not fit into memory, from rows to rows.

        Its content is not known before its rows are: it is not computed in 8-bit integers.

        Args:
            source: what its rows are read from.
            sink: what the restored rows are written to, in the source's dtype.
            progress: as for :meth:`restore`.

        Raises:
            ScalewiseError: as :meth:`restore`, and what source and sink raise.
        """
        check_has("source", source, "read_rows", "a source of rows, such as files.PictureReader")
        check_has("sink", sink, "write_rows", "a sink of rows, such as files.PictureWriter")
        check_progress(progress)
        for block in self.restore_rows(rows_of(source), source.dtype, progress).blocks:
            sink.write_rows(block)

    def restore_rows(
        self,
        rows: Rows,
        dtype: np.dtype[Any],
        progress: Progress | None = None,
        *,
        deep: bool | None = None,
    ) -> Rows:
        """Restore an image's rows, as they are taken.

        Args:
            rows: the image.
            dtype: of the result's samples.
            progress: as for :meth:`restore`.
            deep: whether it has more than 8 bits; None to go by its samples.
        """
        deep = _is_deep(rows.dtype) if deep is None else deep
        network = Network(
            self._run(exactly=self.is_automatic and deep),
            self.scale,
            self.traits.channels,
            self.traits.multiple,
        )
        return restore_rows(rows, network, self._tiling(rows.height, rows.width), dtype, progress)

    def _run(self, exactly: bool) -> Run:
        """Return the network, with ensemble, flat areas and strength."""
        run: Run = self._finite.run_exactly if exactly else self._finite
        run = self_ensemble(run) if self._ensemble else run
        run = keeping_flat(run, self.scale) if self._keeps_flat else run
        if self.strength == 1:
            return run
        strength: Any = np.float32(self.strength)
        other = self._blend_with._run(exactly) if self._blend_with else None
        if not strength:
            return other or (lambda image: image)

        def mixed(image: FloatImage) -> FloatImage:
            weak = other(image) if other else image
            return weak + strength * (run(image) - weak)

        return mixed

    def _tiling(self, height: int, width: int) -> TilingOptions:
        traits = self.traits
        overlap, blend = tile_overlap(traits.multiple), BLEND
        if self._overlap is not None:
            overlap, blend = self._overlap, min(BLEND, self._overlap // 2)
        blend = 0 if traits.tiling == "exact" else blend
        if self._window is not None:
            return in_window(self._window, overlap, blend, traits.multiple)
        if isinstance(self.tile, int):
            return TilingOptions(self.tile, overlap, blend)
        free = self.runtime.free_memory()
        per_pixel = bytes_per_pixel(traits.architecture, traits.settings)
        if self.tile == "auto":
            return TilingOptions(choose_tile(free, per_pixel, overlap), overlap, blend)
        if traits.tiling != "whole":
            return TilingOptions(max(height, width), overlap, blend)
        if height * width * per_pixel > free:
            raise ScalewiseError(
                f"{self.name} must see an image whole, which takes about "
                f"{height * width * per_pixel / 1e9:.1f} GB of memory for {width}x{height}, and "
                f"{free / 1e9:.1f} GB are free; use another model, or force tiling, which changes "
                "the result"
            )
        return TilingOptions(None, overlap)


def _is_deep(dtype: np.dtype[Any]) -> bool:
    """Return whether samples have more than 8 bits."""
    return dtype != np.uint8
