"""Checks of training settings, and the base of their dataclasses."""

from __future__ import annotations

from typing import Any

from scalewise.errors import ScalewiseError
from scalewise.short_repr import short_repr
from scalewise.tasks import Task, get_task

DERIVED: Any = None
"""Default of a setting that depends on others; it is always replaced."""

STRICT = {"extra": "forbid", "strict": True, "allow_inf_nan": False}
"""Pydantic's settings for every part of a recipe.

Unknown keys, wrong types and numbers without an end are errors.
"""


class Settings:
    """Settings whose ``repr`` leaves out default values."""

    def __repr__(self) -> str:
        return short_repr(self)


def derive(config: object, **defaults: Any) -> None:
    """Fill in settings that are not given."""
    for name, value in defaults.items():
        if getattr(config, name) is DERIVED:
            object.__setattr__(config, name, value)  # the dataclass is frozen


def task_of(key: str, name: str) -> Task:
    """Return a task by its name; errors name the setting."""
    try:
        return get_task(name)
    except ScalewiseError as error:
        raise ScalewiseError(f"{key}: {error}") from None


def require(fits: bool, message: str) -> None:
    """Raise an error of one line unless a setting fits."""
    if not fits:
        raise ScalewiseError(message)


def require_above_zero(key: str, value: float | None) -> None:
    """Refuse zero and negative numbers."""
    require(value is None or value > 0, f"{key} must be above 0, not {value}")


def require_range(key: str, ends: tuple[float, float] | None, lowest: int, highest: int) -> None:
    """Refuse what is not [least, largest] within limits."""
    if ends is not None:
        least, largest = ends
        require(
            lowest <= least <= largest <= highest,
            f"{key} must be [least, largest], from {lowest} to {highest}, "
            f"not [{least:g}, {largest:g}]",
        )


def require_part(key: str, *values: float) -> None:
    """Refuse what is not in [0, 1)."""
    for value in values:
        require(0 <= value < 1, f"{key} must be at least 0 and below 1, not {value}")
