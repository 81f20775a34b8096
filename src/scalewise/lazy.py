"""Lazy names of a package, each imported when it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, modules: Mapping[str, Iterable[str]]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package whose public names are imported on use.

    So one part of a package can be used where another part's dependencies are not installed, or
    take long to import.

    Args:
        package: the package's name.
        modules: the public names, by the module of the package that has them.

    >>> lazy_names("scalewise", {"atomic": ["write_atomic"]})("write_atomic").__name__
    'write_atomic'
    """
    places = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{places[name]}"), name)

    return get
