"""Which device to run on, and in which precision."""

from __future__ import annotations

import platform
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from scalewise.errors import ScalewiseError
from scalewise.restoring.runtime import Precision
from scalewise.weights.card import INT8_FILE, Card

Device = Literal["auto", "cpu", "cuda", "mps"]
ChosenPrecision = Literal["auto", "f32", "bf16", "int8"]

MOST_LOST = 0.01
"""Decibels on Kodak24 that bfloat16 may cost where the choice is ours."""


def choose_device(wish: str) -> str:
    """The device to run on.

    ``auto`` takes a GPU where there is one and PyTorch can use it, else the CPU; PyTorch, which
    takes seconds to import, is asked only where the system shows signs of a GPU.

    Raises:
        ScalewiseError: a device that is not there.
    """
    if wish not in ("auto", "cpu", "cuda", "mps"):
        raise ScalewiseError(f"unknown device '{wish}'; choose auto, cpu, cuda or mps")
    if wish == "auto":
        return next(
            (device for device in ("cuda", "mps") if _is_usable(device, first_look=True)), "cpu"
        )
    if wish != "cpu" and not _is_usable(wish):
        reason = "PyTorch is not installed" if find_spec("torch") is None else "none found"
        raise ScalewiseError(f"no {wish} device to run on ({reason}); choose cpu")
    return wish


def choose_precision(wish: str, card: Card | None, device: str) -> Precision:
    """The precision to compute in.

    ``auto`` takes bfloat16 where the device has it and the card tells that it costs less than
    0.01 dB on Kodak24.  It never takes 8-bit integers: they cost photographs next to nothing, but
    drawings and noise go beyond the range that they stand for.

    Raises:
        ScalewiseError: an unknown precision, or ``int8`` where there is no graph for it.
    """
    if wish == "f32" or wish == "bf16":
        return wish
    if wish == "int8":
        if device != "cpu" or card is None or INT8_FILE not in card.sha256:
            raise ScalewiseError(_why_no_int8(card, device))
        return wish
    if wish != "auto":
        raise ScalewiseError(f"unknown precision '{wish}'; choose auto, f32, bf16 or int8")
    if card is None or not card.cost_of("bf16") < MOST_LOST or not _computes_bf16(device):
        return "f32"
    return "bf16"


def _why_no_int8(card: Card | None, device: str) -> str:
    if device != "cpu":
        return f"int8 is for the CPU, not {device}; choose auto, f32 or bf16"
    if card is None:
        return "int8 is for released models; choose f32 or bf16"
    return f"{card.name} has no graph in 8-bit integers; 'scalewise quantize' makes one"


def _is_usable(device: str, first_look: bool = False) -> bool:
    """Whether a GPU can be used; ``first_look`` saves the import where nothing hints at one."""
    if find_spec("torch") is None or (first_look and not _hinted(device)):
        return False
    import torch

    backend: Any = torch.cuda if device == "cuda" else torch.backends.mps
    return bool(backend.is_available())


def _hinted(device: str) -> bool:
    if device == "mps":
        return platform.system() == "Darwin" and platform.machine() == "arm64"
    return Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi") is not None


def _computes_bf16(device: str) -> bool:
    """Whether a device is faster in bfloat16, not just able to imitate it."""
    if device == "cpu":
        import openvino as ov

        core: Any = ov.Core()
        return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if device == "cuda":
        import torch

        return torch.cuda.is_bf16_supported(including_emulation=False)
    return False
