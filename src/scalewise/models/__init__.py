"""Networks (PyTorch), one architecture per file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalewise.lazy import lazy_names

if TYPE_CHECKING:
    from scalewise.models.base import RestorationNetwork
    from scalewise.models.checkpoints import load_checkpoint, load_weights, read_weights
    from scalewise.models.cleaning import CleanedNetwork
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
    "read_weights",
    "register_architecture",
]

__getattr__ = lazy_names(
    __name__,
    {
        "base": ("RestorationNetwork",),
        "checkpoints": (
            "load_checkpoint",
            "load_weights",
            "read_weights",
        ),
        "cleaning": ("CleanedNetwork",),
        "export": ("export_onnx",),
        "quantize": ("export_int8",),
        "registry": (
            "create_model",
            "list_architectures",
            "register_architecture",
        ),
    },
)
