"""Networks (PyTorch), one architecture per file."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scalewise.models.base import RestorationNetwork
    from scalewise.models.cleaning import CleanedNetwork
    from scalewise.models.convert import load_checkpoint, load_weights
    from scalewise.models.export import export_onnx
    from scalewise.models.quantize import export_int8
    from scalewise.models.registry import create_model, list_architectures, register_architecture

__all__ = [
    "CleanedNetwork",
    "RestorationNetwork",
    "create_model",
    "export_int8",
    "export_onnx",
    "list_architectures",
    "load_checkpoint",
    "load_weights",
    "register_architecture",
]

_MODULES = {
    "list_architectures": "registry",
    "load_weights": "convert",
    "register_architecture": "registry",
    "CleanedNetwork": "cleaning",
    "RestorationNetwork": "base",
    "create_model": "registry",
    "export_int8": "quantize",
    "export_onnx": "export",
    "load_checkpoint": "convert",
}


def __getattr__(name: str) -> Any:
    """Import a name's module when it is used: some parts must work without PyTorch."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
