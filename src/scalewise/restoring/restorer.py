"""The restorer: a released network, ready to be given pictures."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from scalewise.files import Picture
from scalewise.imaging.resize import imresize
from scalewise.restoring.runtime import OpenVinoRuntime, Precision
from scalewise.restoring.tiling import FloatImage, Progress, restore_tiled
from scalewise.weights import find_release
from scalewise.weights.card import GRAPH_FILE, checked_file, read_card

DEFAULT_TILE = 256
OVERLAP = 24
"""Input pixels between a used pixel and a tile's edge; see tests for what it leaves of seams."""


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


class Restorer:
    """A network that restores arrays and pictures of any size.

    Args:
        name: what the network is called.
        traits: what it needs.
        runtime: the network itself.
        tile: side of a tile in input pixels; None runs pictures whole.  Networks whose
            tiling is ``whole`` always run so: tiles would change their result.
    """

    def __init__(
        self,
        name: str,
        traits: Traits,
        runtime: OpenVinoRuntime,
        tile: int | None = DEFAULT_TILE,
    ) -> None:
        self.name = name
        self.scale = traits.scale
        self.runtime = runtime
        self.tile = None if traits.tiling == "whole" else tile
        self._channels = traits.channels
        self._multiple = traits.multiple

    def restore(self, image: NDArray[Any], progress: Progress | None = None) -> NDArray[Any]:
        """Restore an array.

        Args:
            image: (H, W), (H, W, 1) or (H, W, 3); uint8 or uint16 over its full range, or
                floating in [0, 1].  Grey stays exactly grey.
            progress: called with tiles done and in all.

        Returns:
            ``scale`` times as high and wide, in the input's dtype and number of axes and
            channels; integers rounded, all clipped to their range.

        Raises:
            ValueError: another shape or dtype.
        """
        if image.ndim == 2:
            return self.restore(image[..., None], progress)[..., 0]
        if image.ndim != 3 or image.shape[2] not in (1, 3) or 0 in image.shape:
            raise ValueError(f"an image is (H, W), (H, W, 1) or (H, W, 3), not {image.shape}")
        peak = _peak(image.dtype)
        restored = self._run(image.astype(np.float32) / np.float32(peak), progress)
        restored = restored.clip(0, 1) * np.float32(peak)
        if peak != 1:
            restored = np.rint(restored)
        return restored.astype(image.dtype)

    def upscale(self, picture: Picture, progress: Progress | None = None) -> Picture:
        """Restore a picture and all that it carries; alpha is enlarged bicubically."""
        pixels = self.restore(picture.colour, progress)
        if picture.alpha is not None:
            alpha = imresize(picture.alpha, size=(pixels.shape[0], pixels.shape[1]))
            pixels = np.concatenate([pixels, alpha], axis=2)
        return picture.with_pixels(pixels)

    def _run(self, image: FloatImage, progress: Progress | None) -> FloatImage:
        """(H, W, C) in [0, 1], whatever the network's channels."""
        channels = image.shape[2]
        if channels == 1 and self._channels == 3:
            return self._run(np.repeat(image, 3, axis=2), progress).mean(axis=2, keepdims=True)
        if channels == 3 and self._channels == 1:
            planes = [self._run(image[..., [plane]], progress) for plane in range(3)]
            return np.concatenate(planes, axis=2)
        return restore_tiled(
            self.runtime, image, self.scale, self._multiple, self.tile, OVERLAP, progress
        )


def load(
    model: str | Path, *, precision: Precision = "f32", tile: int | None = DEFAULT_TILE
) -> Restorer:
    """Load a released model.

    Args:
        model: its name, or the path of its folder.
        precision: what to compute in, ``f32`` or ``bf16``.
        tile: side of a tile in input pixels; None runs pictures whole.

    Raises:
        ScalewiseError: no such model, or its files are damaged.
    """
    folder = find_release(model)
    card = read_card(folder)
    runtime = OpenVinoRuntime(checked_file(folder, card, GRAPH_FILE), precision)
    return Restorer(card.name, card, runtime, tile)


def load_trained(
    checkpoint: str | Path, *, precision: Precision = "f32", tile: int | None = DEFAULT_TILE
) -> Restorer:
    """Load a network that is not released, by exporting it first; this needs PyTorch.

    Args:
        checkpoint: whatever :func:`scalewise.weights.release.load_network` takes.
        precision, tile: as for :func:`load`.

    Raises:
        ScalewiseError: nothing of that kind there, or damaged.
    """
    from scalewise.models.export import export_onnx
    from scalewise.weights.release import load_network

    network = load_network(checkpoint)
    with TemporaryDirectory() as folder:
        graph = Path(folder, GRAPH_FILE)
        export_onnx(network, graph)
        runtime = OpenVinoRuntime(graph, precision)
    return Restorer(Path(checkpoint).name, network, runtime, tile)


def _peak(dtype: np.dtype[Any]) -> float:
    if dtype.name in ("uint8", "uint16"):
        return float(np.iinfo(dtype).max)
    if np.issubdtype(dtype, np.floating):
        return 1.0
    raise ValueError(f"an image is uint8, uint16 or floating, not {dtype}")
