"""Networks (PyTorch), one architecture per file."""

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
