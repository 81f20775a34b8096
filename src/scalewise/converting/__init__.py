"""Conversion of models from one kind of file to another, each with a parity check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalewise.lazy import lazy_names

if TYPE_CHECKING:
    from scalewise.converting.conversion import SUFFIXES, Conversion, convert

__all__ = ["SUFFIXES", "Conversion", "convert"]

__getattr__ = lazy_names(__name__, {"conversion": ("SUFFIXES", "Conversion", "convert")})
