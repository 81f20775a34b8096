"""Precision: the number format to compute in, by the model's card, the processor and the image.

In 8-bit integers networks are the fastest, and photographs lose next to nothing; other images do.
So a model is loaded for both, and each image goes its way.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from scalewise.errors import ScalewiseError
from scalewise.imaging.content import Content
from scalewise.openvino_import import openvino_core
from scalewise.restoring.cascade import CascadeStep
from scalewise.restoring.restorer import Restorer
from scalewise.restoring.runtime import Precision
from scalewise.weights.card import INT8_FILE, Card

PrecisionChoice = Literal["auto", "f32", "bf16", "int8"]

MAX_LOSS = 0.01
"""Decibels that bfloat16 may cost, on average over a card's sets, where the choice is automatic."""
MAX_INT8_LOSS = 0.02
"""Decibels that 8-bit integers may cost likewise, for photographs."""


def choose_precision(precision: PrecisionChoice, card: Card | None, device: str) -> Precision:
    """Return the precision to compute in, for images of any content.

    ``auto`` takes bfloat16 where the device has it and the card says that it costs less than
    0.01 dB.

    Raises:
        ScalewiseError: ``int8`` where there is no graph for it, or ``bf16`` where the CPU would
            compute in float32, and its scores would be another format's.
    """
    if precision == "bf16" and device == "cpu" and not computes_bf16(device):
        raise ScalewiseError(
            "precision=bf16: this CPU has no bfloat16; choose auto, f32 or int8",
            arguments=["precision"],
        )
    if precision == "int8":
        if device != "cpu" or card is None or INT8_FILE not in card.sha256:
            raise ScalewiseError(_why_no_int8(card, device), arguments=["precision"])
        return precision
    if precision != "auto":
        return precision
    if card is None or not card.cost_of("bf16") < MAX_LOSS or not computes_bf16(device):
        return "f32"
    return "bf16"


def takes_int8_for_photographs(precision: PrecisionChoice, card: Card, device: str) -> bool:
    """Return whether photographs are to be computed in 8-bit integers, and other images not.

    ``auto`` does so where the card says that it costs less than 0.02 dB and the processor gains
    by it.  Those of the x86 family do, AMD's first generation of Zen apart: they are 1.4 to 1.9
    times as fast as in float32 with AVX2, and up to 3.6 times with VNNI.
    """
    is_cheap = INT8_FILE in card.sha256 and card.cost_of("int8") < MAX_INT8_LOSS
    return precision == "auto" and device == "cpu" and is_cheap and _gains_by_int8()


def depends_on_content(steps: Sequence[CascadeStep]) -> bool:
    """Return whether any network has a precision for photographs."""
    return any(isinstance(step, Restorer) and step.depends_on_content for step in steps)


def for_content(steps: Sequence[CascadeStep], content: Content) -> list[CascadeStep]:
    """Return the networks in the precision for a content."""
    return [step.for_content(content) if isinstance(step, Restorer) else step for step in steps]


def explain_precision(
    steps: Sequence[CascadeStep], dtype: np.dtype[Any], content: Content | None
) -> str:
    """Say in which precision an image is computed, and why; nothing if it does not depend on it.

    Args:
        steps: the networks that it goes through, as :func:`for_content` returns them.
        dtype: of its samples.
        content: of the image; None if it did not matter.
    """
    network = next((step for step in steps if isinstance(step, Restorer)), None)
    if network is None or not network.is_automatic:
        return ""
    precision = network.precision_for(dtype)
    if precision != network.runtime.precision:
        return f"{precision}, because it has more than 8 bits"
    if precision == "int8":
        return f"int8, which costs a photograph {_cost(network, precision)}"
    if not network.depends_on_content:
        if precision == "bf16":
            return f"bf16, which costs {_cost(network, precision)}"
        return "" if content is None else precision
    why = "too small to gain" if content == "too small" else f"not a photograph but {content}"
    return f"{precision}, because it is {why}"


def _cost(network: Restorer, precision: Precision) -> str:
    card = network.traits
    cost = card.cost_of(precision) if isinstance(card, Card) else 0.0
    return f"{max(cost, 0.0):.4f} dB"


def _why_no_int8(card: Card | None, device: str) -> str:
    if device != "cpu":
        return f"precision=int8 is for the CPU, not {device}; choose auto, f32 or bf16"
    if card is None:
        return "precision=int8 is for released models; choose f32 or bf16"
    mend = "'scalewise quantize' makes one"
    return f"precision=int8: {card.name} has no graph in 8-bit integers; {mend}"


def computes_bf16(device: str) -> bool:
    """Return whether a device is faster in bfloat16, rather than only able to emulate it."""
    if device == "cpu":
        return "BF16" in _capabilities()
    if device == "cuda":
        import torch

        return torch.cuda.is_bf16_supported(including_emulation=False)
    return False


def _gains_by_int8() -> bool:
    """Return whether the CPU is faster in 8-bit integers; measured on x86 alone."""
    is_x86 = platform.machine().lower() in ("x86_64", "amd64")
    return is_x86 and "INT8" in _capabilities() and not is_first_zen(_processor())


def is_first_zen(processor: str) -> bool:
    """Return whether a processor is of AMD's first generation of Zen (2017 to 2019).

    There 8-bit integers take as long as float32, because one unit multiplies integers and two
    multiply floats.

    Args:
        processor: its description by Linux or Windows.

    >>> is_first_zen("AMD64 Family 23 Model 1 Stepping 2, AuthenticAMD")
    True
    """
    model = re.search(r"family\s*:?\s*23\s+model\s*:?\s*(\d+)", processor, re.IGNORECASE)
    return model is not None and int(model[1]) < _SECOND_ZEN


_SECOND_ZEN = 0x30  # the first model number of Zen 2, which is of the same family


@cache
def _processor() -> str:
    """Return the description of the CPU: of the first core on Linux, or as Windows gives it."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except (OSError, UnicodeDecodeError):
        return platform.processor()


def _capabilities() -> list[str]:
    return openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
