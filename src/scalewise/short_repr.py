"""Short ``repr`` of dataclasses, without the fields that have their defaults."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any


def short_repr(instance: Any) -> str:
    """Return the ``repr`` of a dataclass's instance with the fields that differ from defaults."""
    shown: list[str] = []
    for each in fields(instance):
        value = getattr(instance, each.name)
        default = each.default if each.default_factory is MISSING else each.default_factory()
        if value != default:
            shown.append(f"{each.name}={value!r}")
    return f"{type(instance).__name__}({', '.join(shown)})"
