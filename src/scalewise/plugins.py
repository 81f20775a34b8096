"""Plugins: what other installed packages add, by entry points."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from scalewise.errors import ScalewiseError, warn


def plugin_names(group: str) -> list[str]:
    """Return the names in a group of entry points, without importing the packages."""
    return [entry.name for entry in entry_points(group=group)]


def load_plugins(group: str, kind: str, register: Callable[[str, Any], object]) -> None:
    """Register what installed packages name; one that cannot be loaded costs a warning.

    Args:
        group: the group of entry points.
        kind: what they are, for the warning, such as ``task``.
        register: called with the name and what is loaded.
    """
    for entry in entry_points(group=group):
        try:
            register(entry.name, entry.load())
        except Exception as error:  # another package may fail with any exception
            warn(_problem(kind, entry, error))


def load_plugin(group: str, kind: str, name: str) -> Any:
    """Return what an installed package names.

    Args:
        group: the group of entry points.
        kind: what is in it, for the error, such as ``metric``.
        name: one of :func:`plugin_names`.

    Raises:
        ScalewiseError: it cannot be loaded.
    """
    for entry in entry_points(group=group, name=name):
        try:
            return entry.load()
        except Exception as error:  # another package may fail with any exception
            raise ScalewiseError(_problem(kind, entry, error), arguments=[kind]) from error
    raise ScalewiseError(f"no installed package has a {kind} '{name}'", arguments=[kind])


def _problem(kind: str, entry: EntryPoint, error: Exception) -> str:
    reason = " ".join(str(error).split())
    return f"{kind} '{entry.name}' of {entry.value} cannot be loaded ({reason})"
