"""The budget: how much of a run is done, whatever it is measured in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scalewise.errors import ScalewiseError
from scalewise.training.config import BudgetConfig


def seconds(duration: float | str) -> float:
    """A duration in seconds, from a number or a text such as ``90s``, ``45m``, ``1h30m``.

    >>> seconds("1h30m"), seconds("90s"), seconds(20)
    (5400.0, 90.0, 20.0)
    """
    if isinstance(duration, (int, float)):
        return float(duration)
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", duration.replace(" ", ""))
    if match is None or not any(match.groups()):
        raise ScalewiseError(f"budget.time: cannot read '{duration}'; write 90s, 45m or 1h30m")
    hours, minutes, rest = (int(group or 0) for group in match.groups())
    return float(hours * 3600 + minutes * 60 + rest)


@dataclass(frozen=True)
class Budget:
    """A number of steps, or a number of seconds.

    Attributes:
        steps: steps in all, or None for a budget of time.
        seconds: seconds in all, or None for a budget of steps.
    """

    steps: int | None
    seconds: float | None

    @classmethod
    def from_config(cls, config: BudgetConfig, epoch: int) -> Budget:
        """The budget a recipe states, with ``epoch`` steps to an epoch.

        Raises:
            ScalewiseError: not exactly one of steps, epochs and time; or not positive.
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
        """The done part in [0, 1], after so many steps and seconds."""
        done = steps / self.steps if self.steps else seconds / (self.seconds or 1.0)
        return min(done, 1.0)
