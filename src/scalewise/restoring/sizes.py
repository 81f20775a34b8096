"""Any output size: what is wished, how large that is, and which networks lead there.

Networks enlarge by whole numbers.  Any other size is reached by a network, or several one after
another, and then our own resampler.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from math import floor, inf, prod, sqrt
from numbers import Real
from typing import Any

from scalewise.errors import ScalewiseError

SLACK = 1.05
"""How much the resampler may enlarge what the networks made: to compute a fourfold picture in
place of a twofold one, for a few pixels, would take five times as long."""
_MOST = 64
"""Times by which a picture can be enlarged along an axis; more is a slip of the hand."""


@dataclass(frozen=True)
class Target:
    """The size that is wished for; without any wish it is the network's own scale.

    At most one of the first four.  The picture's proportions are kept.

    Attributes:
        scale: output over input size, such as 3 or 1.5.
        width: in pixels.
        height: in pixels.
        fit: width and height of a frame that the result fills as far as it goes.
        max_megapixels: a limit, beside any of the others; larger results are reduced to it.

    Raises:
        ScalewiseError: more than one wish, one that is not above zero, or sides that are not
            whole numbers.

    >>> Target(width=100.5)
    Traceback (most recent call last):
    scalewise.errors.ScalewiseError: width must be a whole number of pixels, not 100.5
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None
    fit: tuple[int, int] | None = None
    max_megapixels: float | None = None

    def __post_init__(self) -> None:
        wishes: dict[str, tuple[Any, ...]]
        wishes = {name: (getattr(self, name),) for name in ("scale", "width", "height", "fit")}
        wishes = {name: wish for name, wish in wishes.items() if wish != (None,)}
        if len(wishes) > 1:
            given = " and ".join(wishes)
            hint = "; fit takes both" if set(wishes) == {"width", "height"} else ""
            raise ScalewiseError(f"the size is given by {given}; choose one{hint}")
        if self.fit is not None:
            wishes["fit"] = _pair(self.fit)
        if self.max_megapixels is not None:
            wishes["max_megapixels"] = (self.max_megapixels,)
        for name, values in wishes.items():
            given = "x".join(map(str, values))
            if not all(_is_number(value) for value in values):
                raise ScalewiseError(f"{name} must be a number, not {given!r}")
            if not all(0 < value < inf for value in values):
                raise ScalewiseError(f"{name} must be above 0, not {given}")
            if name in ("scale", "max_megapixels"):
                continue
            if any(value != int(value) for value in values):
                raise ScalewiseError(f"{name} must be a whole number of pixels, not {given}")
            whole = tuple(int(value) for value in values)  # 100.0, or an integer of NumPy's
            object.__setattr__(self, name, whole if name == "fit" else whole[0])

    def label(self, native: int) -> str:
        """What results of this size are called, to be told from their originals.

        >>> Target().label(2), Target(scale=1.5).label(2), Target(fit=(3840, 2160)).label(2)
        ('x2', 'x1.5', '3840x2160')
        """
        if self.width is not None:
            return f"w{self.width}"
        if self.height is not None:
            return f"h{self.height}"
        if self.fit is not None:
            return f"{self.fit[0]}x{self.fit[1]}"
        return f"x{self.scale or native:g}"

    def size(self, height: int, width: int, native: int) -> tuple[int, int]:
        """Height and width of the result.

        Args:
            height, width: of the picture.
            native: scale of the network that is used without a wish.

        Raises:
            ScalewiseError: more than 64 times the picture's size.

        >>> Target(width=3840).size(1000, 1500, 2)
        (2560, 3840)
        >>> Target(fit=(3840, 2160)).size(1000, 1500, 2)
        (2160, 3240)
        >>> Target(scale=1.5, max_megapixels=2).size(1000, 1500, 2)
        (1154, 1732)
        """
        if self.width is not None:
            size = (_scaled(height, self.width / width), self.width)
        elif self.height is not None:
            size = (self.height, _scaled(width, self.height / height))
        elif self.fit is not None:
            across, down = self.fit
            factor = min(across / width, down / height)
            size = (min(_scaled(height, factor), down), min(_scaled(width, factor), across))
        else:
            factor = self.scale or native
            size = (_scaled(height, factor), _scaled(width, factor))
        if self.max_megapixels is not None and prod(size) > self.max_megapixels * 1e6:
            factor = sqrt(self.max_megapixels * 1e6 / prod(size))
            size = (max(1, floor(size[0] * factor)), max(1, floor(size[1] * factor)))
        if max(size[0] / height, size[1] / width) > _MOST:
            raise ScalewiseError(
                f"{width}x{height} to {size[1]}x{size[0]} is more than {_MOST} times the size"
            )
        return size


def target_of(target: Target | None = None, **wishes: Any) -> Target:
    """The size that is wished for, be it a :class:`Target` or the arguments of one.

    Raises:
        ScalewiseError: both are given, and as :class:`Target`.
    """
    given = {name: wish for name, wish in wishes.items() if wish is not None}
    if target is None:
        return Target(**given)
    if given:
        raise ScalewiseError(f"the size is given by target and {next(iter(given))}; choose one")
    if not isinstance(target, Target):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ScalewiseError(f"target must be a Target, such as Target(scale=3), not {target!r}")
    return target


@dataclass(frozen=True)
class Plan:
    """How to reach a size.

    Attributes:
        height, width: of the result.
        scales: of the networks, in the order in which they run; none where the picture does
            not grow.
    """

    height: int
    width: int
    scales: tuple[int, ...]


def plan(height: int, width: int, target: Target, scales: Iterable[int]) -> Plan:
    """Which networks lead to a size.

    The cheapest that make the picture large enough, up to 5 %: what is too large is reduced,
    which loses nothing, and what is too small by more would be blurred.

    Args:
        height, width: of the picture.
        target: what is wished.
        scales: of the networks at hand, the one for no wish first.

    >>> plan(1000, 1500, Target(scale=3), [2])
    Plan(height=3000, width=4500, scales=(2, 2))
    >>> plan(1000, 1500, Target(scale=3), [2, 3])
    Plan(height=3000, width=4500, scales=(3,))
    >>> plan(1000, 1500, Target(width=3001), [2])
    Plan(height=2001, width=3001, scales=(2,))
    >>> plan(1000, 1500, Target(width=1000), [2])
    Plan(height=667, width=1000, scales=())
    """
    known = list(scales)
    rows, columns = target.size(height, width, known[0])
    factor = max(rows / height, columns / width)
    growing = sorted({scale for scale in known if scale > 1})
    if known[0] == 1:  # what cleans does so at any size
        return Plan(rows, columns, (1,))
    if factor <= 1 or not growing:
        return Plan(rows, columns, ())
    fitting = [chain for chain in _chains(growing, factor) if prod(chain) * SLACK >= factor]
    return Plan(rows, columns, min(fitting, key=_cost))


def network_pixels(height: int, width: int, scales: Iterable[int]) -> list[int]:
    """Pixels that each network of a chain is given.

    >>> network_pixels(10, 10, (2, 3))
    [100, 400]
    """
    pixels: list[int] = []
    for scale in scales:
        pixels.append(height * width)
        height, width = height * scale, width * scale
    return pixels


def _chains(scales: list[int], factor: float) -> Iterator[tuple[int, ...]]:
    """Ascending chains, up to the length at which the smallest scale alone suffices."""
    longest = next(n for n in count(1) if scales[0] ** n * SLACK >= factor)
    chains: list[tuple[int, ...]] = [()]
    for _ in range(longest):
        chains = [(*c, scale) for c in chains for scale in scales if not c or scale >= c[-1]]
        yield from chains


def _cost(chain: tuple[int, ...]) -> tuple[int, int]:
    """What a network takes goes mostly by the pixels that it is given."""
    return sum(network_pixels(1, 1, chain)), prod(chain)


def _pair(frame: Any) -> tuple[Any, ...]:
    """Width and height of a frame."""
    try:
        pair: tuple[Any, ...] = () if isinstance(frame, str) else tuple(frame)
    except TypeError:
        pair = ()
    if len(pair) != 2:
        raise ScalewiseError(f"fit must be (width, height), not {frame!r}")
    return pair


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and value is not True and value is not False


def _scaled(length: int, factor: float) -> int:
    return max(1, floor(length * factor + 0.5))
