"""Trial runs of networks that are known by their files alone: scale, size, range, tile overlap.

NumPy only: what runs the network is given as a function.  Images are noise, or a smooth wave, of a
fixed seed, so that the same file gives the same findings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.models.tile_overlap import BLEND, UNMEASURED_OVERLAP

Image = NDArray[np.float32]
Run = Callable[[Image], Image]
"""A network: (1, C, H, W) to (1, C, scale H, scale W); it raises an error for a wrong size."""

MULTIPLES = (1, 2, 4, 8, 16, 32, 64)
"""Size multiples that are tried, the smallest first."""

LARGEST_REACH = UNMEASURED_OVERLAP - BLEND
"""Input pixels up to which the reach of a network is measured."""
_VISIBLE = 0.5 / 255
"""A smaller change of an 8-bit result is not seen."""
_STRIP = (48, 384)
_LEVELS = 255.0
_WRONG, _RIGHT = 0.1, 0.05
"""Mean errors, as parts of white, above and below which a value range is judged."""


@dataclass(frozen=True)
class Findings:
    """Findings of trial runs.

    Attributes:
        scale: output over input size.
        multiple: heights and widths must be multiples of it.
        white: value of white in input and output: 1 or 255.
        reach: input pixels from which a change is seen in the result; None if it is seen beyond
            what could be measured.
    """

    scale: int
    multiple: int
    white: float
    reach: int | None


def probe(
    run: Run,
    channels: int,
    size: tuple[int, int] | None = None,
    multiple: int | None = None,
    white: float | None = None,
) -> Findings:
    """Run a network a few times to find out how it must be used.

    Args:
        run: the network.
        channels: 1 (grey) or 3 (RGB).
        size: the only (height, width) that it takes; None if it takes any.
        multiple: known already.
        white: known already.

    Raises:
        ScalewiseError: it runs at none of the sizes that were tried, or its result is not an
            image of the same channels, a whole number of times as large.
    """
    scale, multiple = _find_scale(run, channels, size, multiple)
    white = white or _find_white(run, channels, size, multiple)
    return Findings(scale, multiple, white, measure_reach(run, channels, multiple, size, white))


def _find_scale(
    run: Run, channels: int, size: tuple[int, int] | None, multiple: int | None
) -> tuple[int, int]:
    shapes = problem = ""
    for step in MULTIPLES if size is None and multiple is None else (multiple or 1,):
        height, width = size or (_odd_multiple(37, step), _odd_multiple(53, step))
        try:
            result = run(_noise(0, channels, height, width))
        except Exception as error:  # whatever the runtime raises for a size that does not fit
            problem = problem or f"it does not run ({' '.join(str(error).split())[:120]})"
            continue
        scale = _scale(result, channels, height, width)
        if scale is not None:
            return scale, step
        shape = "x".join(map(str, result.shape))
        shapes = shapes or f"a result of {shape} for an image of 1x{channels}x{height}x{width}"
    raise ScalewiseError(
        f"not a network that restores images, or of sizes that are not tried: {shapes or problem}"
    )


def _odd_multiple(length: int, step: int) -> int:
    """Return a length near another one that is an odd multiple of ``step``, at least three."""
    return step * max(3, length // step - (length // step + 1) % 2)


def _scale(result: Image, channels: int, height: int, width: int) -> int | None:
    """Return how much larger a result is than the image; None if it is not its enlargement."""
    if result.ndim != 4 or result.shape[:2] != (1, channels):
        return None
    scale = result.shape[2] // height
    fits = scale > 0 and result.shape[2:] == (scale * height, scale * width)
    return scale if fits else None


def _find_white(run: Run, channels: int, size: tuple[int, int] | None, multiple: int) -> float:
    """Return 255 for a network that is clearly wrong in [0, 1] and right in [0, 255], else 1.

    A smooth image should come back as itself.  So an untrained network may be misjudged, whose
    random biases vanish among large values.
    """
    height, width = size or (_odd_multiple(37, multiple), _odd_multiple(53, multiple))
    down = np.linspace(0, 3, height, dtype=np.float32)[:, None]
    wave = 0.5 + 0.3 * np.sin(down + np.linspace(0, 4, width, dtype=np.float32))
    image = np.broadcast_to(wave, (1, channels, height, width)).astype(np.float32)

    def error(white: float) -> float:
        result = run(image * np.float32(white)) / white
        scale = result.shape[2] // height
        small = result.reshape(1, channels, height, scale, width, scale).mean((3, 5))
        return float(np.abs(small - image).mean())

    is_wrong = error(1.0) > _WRONG
    return _LEVELS if is_wrong and error(_LEVELS) < _RIGHT else 1.0


def measure_reach(
    run: Run,
    channels: int,
    multiple: int,
    size: tuple[int, int] | None = None,
    white: float = 1.0,
) -> int | None:
    """Return from how far a change is seen in a result of 8 bits, in input pixels.

    One side of a noisy strip is exchanged for other noise.

    Args:
        run, channels, multiple, size, white: as for :func:`probe`.

    Returns:
        The reach; None if it is more than could be measured: a third of a fixed width, or
        :data:`LARGEST_REACH`.
    """
    height, width = size or [-(-side // multiple) * multiple for side in _STRIP]
    first = _noise(1, channels, height, width)
    other = first.copy()
    cut = width // 2
    other[..., :cut] = _noise(2, channels, height, cut)
    results = [run(image * np.float32(white)) / np.float32(white) for image in (first, other)]
    changed = np.abs(results[1] - results[0]).max((0, 1, 2)) > _VISIBLE
    scale = changed.size // width
    beyond = np.flatnonzero(changed[cut * scale :])
    reach = -(-(int(beyond[-1]) + 1) // scale) if beyond.size else 0
    return None if reach > min(LARGEST_REACH, width // 3) else reach


def _noise(seed: int, channels: int, height: int, width: int) -> Image:
    return np.random.default_rng(seed).random((1, channels, height, width), np.float32)
