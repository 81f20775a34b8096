"""What the machine is and does best: device, precision, memory allocation."""

from __future__ import annotations

import ctypes
import sys
from contextlib import AbstractContextManager, nullcontext

import torch

from scalewise.errors import ScalewiseError


def pick_device(device: str, index: int = 0) -> torch.device:
    """The device a recipe names; ``auto`` prefers CUDA, then Apple's MPS, then the CPU.

    Args:
        device: ``auto``, ``cuda``, ``mps`` or ``cpu``.
        index: which of several GPUs.

    Raises:
        ScalewiseError: PyTorch finds no such device here.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        device = next(kind for kind in there if there[kind])
    if not there[device]:
        raise ScalewiseError(f"device: PyTorch finds no {device} here; choose auto or cpu")
    return torch.device(device, index) if device == "cuda" else torch.device(device)


def pick_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The type to compute in: ``auto`` is bfloat16 where the device multiplies it natively.

    Never float16: it overflows on some content and gives black pictures.
    """
    if precision != "auto":
        return torch.bfloat16 if precision == "bf16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float32
    if device.type == "cpu":
        native = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
        return torch.bfloat16 if native else torch.float32
    return torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Compute in ``dtype`` where it is safe, with float32 weights."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype)


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory instead of returning it to the system.

    A training step frees and asks again for the same hundreds of megabytes; without this a
    fifth of its time goes into page faults.  Does nothing on other systems.
    """
    if not sys.platform.startswith("linux"):
        return
    trim_threshold, top_pad, mmap_max = -1, -2, -4  # mallopt's parameter numbers
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(mmap_max, 0)
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(top_pad, 256 * 2**20)
