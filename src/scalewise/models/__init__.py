"""Networks (PyTorch), one architecture per file."""

from scalewise.models.base import RestorationNetwork
from scalewise.models.convert import load_checkpoint, load_weights
from scalewise.models.registry import create_model, list_architectures, register_architecture

__all__ = [
    "RestorationNetwork",
    "create_model",
    "list_architectures",
    "load_checkpoint",
    "load_weights",
    "register_architecture",
]
