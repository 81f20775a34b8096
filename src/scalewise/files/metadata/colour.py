"""Colour spaces stated without an ICC profile, and profiles that say the same.

Sources: code points of ITU-T H.273 (CICP): primaries in its table 2, transfer functions in its
table 3; PNG, third edition (W3C, 2025), 11.3.2, for gamma and chromaticities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalewise.files.metadata.icc import Curve, Gamma, Power, Table, grey_profile, rgb_profile

UNSPECIFIED = 2
SRGB = 13
_BT709, _PQ, _HLG = 1, 16, 18
_D65, _C, _DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)

PRIMARIES: dict[int, tuple[str, tuple[float, ...]]] = {
    _BT709: ("BT.709", (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)),
    4: ("BT.470 M", (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08)),
    5: ("BT.601 (625 lines)", (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06)),
    6: ("BT.601 (525 lines)", (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070)),
    7: ("SMPTE 240M", (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070)),
    8: ("film", (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049)),
    9: ("BT.2020", (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046)),
    11: ("DCI-P3", (*_DCI, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)),
    12: ("Display P3", (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)),
    22: ("EBU 3213", (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077)),
}
"""Names, and x and y of white, red, green and blue."""

_AS_SRGB = Power(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_AS_BT709 = Power(1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
_SDR_VIDEO = (1, 6, 14, 15)
_STEPS = 4096


def _pq() -> Table:
    """Return the curve of SMPTE ST 2084, where 1 is 10,000 cd/m2."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = np.linspace(0, 1, _STEPS) ** (1 / m2)
    light = (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return Table(tuple(light.tolist()))


def _hlg() -> Table:
    """Return the curve of ARIB STD-B67 for the scene, without the display's part."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    signal = np.linspace(0, 1, _STEPS)
    light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return Table(tuple(light.clip(0, 1).tolist()))


def _curve(transfer: int) -> Curve | None:
    if transfer in _SDR_VIDEO:
        return _AS_BT709
    curves = {4: Gamma(2.2), 5: Gamma(2.8), 8: Gamma(1.0), SRGB: _AS_SRGB}
    if transfer in (_PQ, _HLG):
        return _pq() if transfer == _PQ else _hlg()
    return curves.get(SRGB if transfer == UNSPECIFIED else transfer)


_TRANSFERS = {
    1: "BT.709",
    4: "gamma 2.2",
    5: "gamma 2.8",
    8: "linear",
    SRGB: "sRGB",
    14: "BT.2020",
    15: "BT.2020",
    _PQ: "PQ",
    _HLG: "HLG",
}


@dataclass(frozen=True)
class StatedColour:
    """A colour space as a PNG or AVIF file states it.

    Attributes:
        primaries, transfer: code points of H.273; 2 for unspecified.
        full_range: whether black is 0 and white the greatest value.
        gamma: of the encoding, 1/2.2 for most; None where the file does not tell.
        chromaticities: x and y of white, red, green and blue; None likewise.
        intent: the rendering intent of a file that says it is sRGB.
        mastering, light: the display that an HDR image was made on, and its brightest pixel
            and frame, as the chunks ``mDCV`` and ``cLLI`` of PNG have them.
    """

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    full_range: bool = True
    gamma: float | None = None
    chromaticities: tuple[float, ...] | None = None
    intent: int | None = None
    mastering: bytes | None = None
    light: bytes | None = None

    @property
    def has_code(self) -> bool:
        """True if the colours are stated by code points."""
        return (self.primaries, self.transfer) != (UNSPECIFIED, UNSPECIFIED)

    @property
    def is_hdr(self) -> bool:
        """True if colours can be brighter than white."""
        return self.transfer in (_PQ, _HLG)

    @property
    def is_srgb(self) -> bool:
        """True for sRGB, and for colours that programs show as if they were sRGB.

        The curves of video, and a gamma of 2.2, are shown so by browsers.
        """
        if not self.full_range:
            return False
        if self.has_code:
            plain = (UNSPECIFIED, SRGB, *_SDR_VIDEO)
            return self.primaries in (_BT709, UNSPECIFIED) and self.transfer in plain
        gamma = self.gamma is None or abs(self.gamma - 1 / 2.2) < 0.01
        srgb = PRIMARIES[_BT709][1]
        ours = self.chromaticities or srgb
        return self.intent is not None or (gamma and np.allclose(ours, srgb, atol=0.002))

    @property
    def name(self) -> str:
        """The name of the colours in messages."""
        if self.has_code:
            primaries = PRIMARIES.get(self.primaries, (f"primaries {self.primaries}",))[0]
            if self.primaries == UNSPECIFIED:
                primaries = PRIMARIES[_BT709][0]
            transfer = _TRANSFERS.get(self.transfer, f"transfer function {self.transfer}")
            transfer = "" if self.transfer == UNSPECIFIED else " " + transfer
            return f"{primaries}{transfer}" + (", HDR" if self.is_hdr else "")
        if self == ADOBE_RGB:
            return "Adobe RGB"
        return "sRGB" if self.is_srgb else "given by gAMA and cHRM"

    def profile(self, grey: bool = False) -> bytes | None:
        """Return an ICC profile that says the same; None where there is none.

        Args:
            grey: make it for images with one colour channel.
        """
        if not self.full_range:
            return None
        where: tuple[float, ...] | None = self.chromaticities
        curve: Curve | None = Gamma(1 / self.gamma) if self.gamma else _AS_SRGB
        if self.has_code:
            place = _BT709 if self.primaries == UNSPECIFIED else self.primaries
            where = PRIMARIES.get(place, ("", None))[1]
            curve = _curve(self.transfer)
            if where is None:
                return None
        if curve is None:
            return None
        if grey:
            return grey_profile(self.name, curve)
        code = (self.primaries, self.transfer) if self.is_hdr else None
        return rgb_profile(self.name, where or PRIMARIES[_BT709][1], curve, code)


ADOBE_RGB = StatedColour(
    gamma=256 / 563, chromaticities=(*_D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
)
"""Adobe RGB (1998) Color Image Encoding, 4.3."""


def are_colours(chromaticities: NDArray[np.float64]) -> bool:
    """Return whether x and y of white, red, green and blue can be those of a display."""
    x, y = chromaticities[::2], chromaticities[1::2]
    if (y <= 0).any() or (x + y > 1.2).any():
        return False
    matrix = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    return abs(float(np.linalg.det(matrix[:, 1:]))) > 1e-3
