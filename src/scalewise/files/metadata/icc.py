"""ICC profiles of displays: three primaries, or grey, and a curve.

Source: ICC.1:2022: the header in 7.2, tags in 9.2, types in 10; D50 is the white that colours
are told for, and the Bradford transform leads there (annex E).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_COPYRIGHT = "No copyright, use freely"


@dataclass(frozen=True)
class Gamma:
    """Light is the sample to a power."""

    exponent: float


@dataclass(frozen=True)
class Power:
    """Light is (a x + b) to the power g from d on, and c x below."""

    g: float
    a: float
    b: float
    c: float
    d: float


@dataclass(frozen=True)
class Table:
    """Light of samples at equal distances, from 0 to 1."""

    light: tuple[float, ...]


Curve = Gamma | Power | Table


def rgb_profile(
    name: str,
    chromaticities: Sequence[float],
    curve: Curve,
    code: tuple[int, int] | None = None,
) -> bytes:
    """Return a profile of an RGB space.

    Args:
        name: its description.
        chromaticities: x and y of white, red, green and blue.
        curve: of all three.
        code: primaries and transfer function in H.273, for programs that show HDR.

    Raises:
        ValueError: these are not the primaries of a display.
    """
    x, y = np.array(chromaticities[::2]), np.array(chromaticities[1::2])
    try:
        xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
        white, primaries = xyz[:, 0], xyz[:, 1:]
        colours = primaries * np.linalg.solve(primaries, white)
        cone = np.diag(_BRADFORD @ np.array(_D50) / (_BRADFORD @ white))
    except np.linalg.LinAlgError:
        raise ValueError("the primaries lie on a line") from None
    adaptation = np.linalg.inv(_BRADFORD) @ cone @ _BRADFORD
    adapted = adaptation @ colours
    tone = _curve(curve)
    tags = _described(name)
    tags[b"chad"] = b"sf32" + bytes(4) + _fixed(*adaptation.ravel().tolist())
    for index, letter in enumerate((b"r", b"g", b"b")):
        tags[letter + b"XYZ"] = _xyz(*adapted[:, index].tolist())
        tags[letter + b"TRC"] = tone
    if code is not None:
        tags[b"cicp"] = b"cicp" + bytes(4) + bytes((*code, 0, 1))
    return _profile(b"RGB ", tags)


def grey_profile(name: str, curve: Curve) -> bytes:
    """Return a profile of grey.

    Args:
        name: its description.
        curve: from samples to light.
    """
    return _profile(b"GRAY", _described(name) | {b"kTRC": _curve(curve)})


def _described(name: str) -> dict[bytes, bytes]:
    return {b"desc": _text(name), b"cprt": _text(_COPYRIGHT), b"wtpt": _xyz(*_D50)}


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    begin = 128 + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    table, values = b"", b""
    for tag, data in tags.items():
        if data not in places:  # what is the same is there once
            places[data] = begin + len(values)
            values += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", tag, places[data], len(data))
    size = begin + len(values)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x04400000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H4s", 2024, 1, 1, 0, 0, 0, b"acsp")
    head += bytes(28) + _fixed(*_D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + values


def _curve(curve: Curve) -> bytes:
    if isinstance(curve, Table):
        levels = (round(light * 65535) for light in curve.light)
        count = len(curve.light)
        return b"curv" + bytes(4) + struct.pack(f">I{count}H", count, *levels)
    if isinstance(curve, Power):
        kind, numbers = 3, (curve.g, curve.a, curve.b, curve.c, curve.d)
    else:
        kind, numbers = 0, (curve.exponent,)
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + _fixed(*numbers)


def _text(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(data), 28) + data


def _xyz(*numbers: float) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(*numbers)


def _fixed(*numbers: float) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))
