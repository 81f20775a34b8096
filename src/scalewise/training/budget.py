"""Training budgets and intervals, in steps, epochs or time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scalewise.errors import ScalewiseError
from scalewise.training.config import BudgetConfig


def seconds(
    duration: float | str, key: str = "budget.time", units: str = "90s, 45m or 1h30m"
) -> float:
    """Return a duration in seconds: a number, or a text such as ``90s``, ``45m``, ``1h30m``.

    Raises:
        ScalewiseError: it cannot be read; the error names its ``key`` and the valid ``units``.

    >>> seconds("1h30m"), seconds("90s"), seconds(20)
    (5400.0, 90.0, 20.0)
    """
    if isinstance(duration, (int, float)):
        return float(duration)
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", duration.replace(" ", ""))
    if match is None or not any(match.groups()):
        raise ScalewiseError(f"{key}: cannot read '{duration}'; write {units}")
    hours, minutes, rest = (int(group or 0) for group in match.groups())
    return float(hours * 3600 + minutes * 60 + rest)


@dataclass(frozen=True)
class Budget:
    """A number of steps, or a number of seconds.

    Attributes:
        steps: total steps, or None for a budget of time.
        seconds: total seconds, or None for a budget of steps.
    """

    steps: int | None
    seconds: float | None

    @classmethod
    def from_config(cls, config: BudgetConfig, epoch: int) -> Budget:
        """Return the budget of a recipe, with ``epoch`` steps to an epoch.

        Raises:
            ScalewiseError: not exactly one of steps, epochs and time is given, or it is not
                positive.
        """
        given = [name for name in ("steps", "epochs", "time") if getattr(config, name) is not None]
        if len(given) != 1:
            raise ScalewiseError(
                "budget: give exactly one of steps, epochs and time, "
                f"not {' and '.join(given) or 'none'}; budget.time=null takes one away"
            )
        steps = config.epochs * epoch if config.epochs is not None else config.steps
        limit = seconds(config.time) if config.time is not None else None
        if (steps or limit or 0) <= 0:
            raise ScalewiseError(f"budget.{given[0]}: must be more than zero")
        return cls(steps, limit)

    def progress(self, steps: int, seconds: float) -> float:
        """Return the completed part in [0, 1], after a number of steps and seconds."""
        done = steps / self.steps if self.steps else seconds / (self.seconds or 1.0)
        return min(done, 1.0)


@dataclass(frozen=True)
class Interval:
    """Interval between two events: a number of steps, or of seconds.

    Attributes:
        steps: steps between two events, or None.
        seconds: seconds between two events, or None.
    """

    steps: int | None
    seconds: float | None

    @classmethod
    def from_config(cls, interval: float | str, epoch: int, key: str) -> Interval:
        """Read seconds (a number, ``90s``, ``10m``), ``200 steps`` or ``1 epoch``.

        Raises:
            ScalewiseError: it cannot be read, or is not positive; the error names its ``key``.

        >>> Interval.from_config("2 epochs", epoch=50, key="validate_every")
        Interval(steps=100, seconds=None)
        """
        match = re.fullmatch(r"(\d+) *(step|epoch)s?", str(interval).strip())
        if match is None:
            length = seconds(interval, key, "90s, 10m, 500 steps or 1 epoch")
            if length <= 0:
                raise ScalewiseError(f"{key}: must be more than 0 seconds")
            return cls(None, length)
        number = int(match[1]) * (epoch if match[2] == "epoch" else 1)
        if number < 1:
            raise ScalewiseError(f"{key}: must be at least 1 step")
        return cls(number, None)

    def is_due(self, step: int, seconds_since: float) -> bool:
        """Return whether the next event is due, at a step and a time since the last event."""
        if self.steps is not None:
            return step % self.steps == 0
        return seconds_since >= (self.seconds or 0.0)


def require_steps(**limits: Budget | Interval) -> None:
    """Raise :class:`ScalewiseError` for the first limit that depends on the clock."""
    for key, limit in limits.items():
        if limit.seconds is not None:
            raise ScalewiseError(
                f"{key}: a deterministic run cannot depend on the clock; give it in steps or epochs"
            )
