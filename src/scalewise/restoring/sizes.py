"""Output sizes: a target by scale, sides, frame or megapixels, and what that is in pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor, inf, prod, sqrt
from typing import Any

from scalewise.arguments import LARGEST_SCALE, is_number, shown
from scalewise.errors import ScalewiseError
from scalewise.short_repr import short_repr

LARGEST_NUMBER = 10**9
"""Largest value of a field of :class:`Target`: their products stay exact, and finite."""


@dataclass(frozen=True, repr=False)
class Target:
    """The size of a result; by default the network's own scale.

    At most one of the first four may be given.  The image's proportions are kept.

    Attributes:
        scale: output over input size, such as 3 or 1.5.
        width: in pixels.
        height: in pixels.
        fit: width and height of a frame that the result fills as far as it goes.
        max_megapixels: a limit, with any of the others; larger results are reduced to it.

    Raises:
        ScalewiseError: more than one of them, one that is not above zero, or sides that are not
            whole numbers.

    >>> Target(width=3840)
    Target(width=3840)

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
        sizes: dict[str, tuple[Any, ...]]
        sizes = {name: (size,) for name, size in self.given.items() if name != "max_megapixels"}
        if len(sizes) > 1:
            given = " and ".join(sizes)
            hint, named = "", [*sizes]
            if set(sizes) == {"width", "height"}:
                hint, named = "; fit= takes both", [*named, "fit"]
            raise ScalewiseError(f"{given} give the size; choose one{hint}", arguments=named)
        if self.fit is not None:
            sizes["fit"] = _pair(self.fit)
        if self.max_megapixels is not None:
            sizes["max_megapixels"] = (self.max_megapixels,)
        for name, values in sizes.items():
            if not all(is_number(value) for value in values):
                wrong = shown(getattr(self, name))
                raise ScalewiseError(f"{name} must be a number, not {wrong}", arguments=[name])
            given = "x".join(map(str, values))
            if not all(0 < value < inf for value in values):
                raise ScalewiseError(f"{name} must be above 0, not {given}", arguments=[name])
            if max(values) > LARGEST_NUMBER:
                raise ScalewiseError(
                    f"{name} must be at most {LARGEST_NUMBER:,}, not {shown(getattr(self, name))}",
                    arguments=[name],
                )
            if name in ("scale", "max_megapixels"):
                continue
            if any(value != int(value) for value in values):
                raise ScalewiseError(
                    f"{name} must be a whole number of pixels, not {given}", arguments=[name]
                )
            whole = tuple(int(value) for value in values)  # 100.0, or an integer of NumPy's
            object.__setattr__(self, name, whole if name == "fit" else whole[0])

    def __repr__(self) -> str:
        return short_repr(self)

    @property
    def given(self) -> dict[str, Any]:
        """The fields that are given, by name."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in fields.items() if value is not None}

    def or_scale(self, scale: int) -> Target:
        """Return the same size, or this factor where none is given.

        >>> Target(max_megapixels=2).or_scale(2), Target(width=100).or_scale(2)
        (Target(scale=2, max_megapixels=2), Target(width=100))
        """
        return self if {*self.given} - {"max_megapixels"} else replace(self, scale=scale)

    def label(self, native: int) -> str:
        """Return the suffix by which results of this size are told from their originals.

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
        """Return height and width of the result.

        Args:
            height, width: of the image.
            native: scale of the network that is used by default.

        Raises:
            ScalewiseError: more than :data:`LARGEST_SCALE` times the image's size.

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
        if max(size[0] / height, size[1] / width) > LARGEST_SCALE:
            given = " and ".join(f"{name}=" for name in self.given)
            raise ScalewiseError(
                f"{width}x{height} to {size[1]}x{size[0]} is more than {LARGEST_SCALE} times the "
                f"size, the limit; lower {given}",
                arguments=[*self.given],
            )
        return size


def target_of(target: Target | None = None, **sizes: Any) -> Target:
    """Return the size that is given, be it a :class:`Target` or the arguments of one.

    Raises:
        ScalewiseError: both are given, and as :class:`Target`.
    """
    given = {name: size for name, size in sizes.items() if size is not None}
    if target is None:
        return Target(**given)
    if given:
        names = ["target", *given]
        raise ScalewiseError(f"{' and '.join(names)} give the size; choose one", arguments=names)
    require_target(target)
    return target


def require_target(target: object) -> None:
    """Check that something is a :class:`Target`."""
    if not isinstance(target, Target):
        raise ScalewiseError(
            f"target must be a Target, such as Target(width=3840), not {shown(target)}",
            arguments=["target"],
        )


def _pair(frame: Any) -> tuple[Any, ...]:
    """Return width and height of a frame."""
    try:
        pair: tuple[Any, ...] = () if isinstance(frame, str) else tuple(frame)
    except TypeError:
        pair = ()
    if len(pair) != 2:
        raise ScalewiseError(f"fit must be (width, height), not {shown(frame)}", arguments=["fit"])
    return pair


def _scaled(length: int, factor: float) -> int:
    return max(1, floor(length * factor + 0.5))
