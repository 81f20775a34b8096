"""How runs are measured while they train; apart from the measuring, which needs PyTorch."""

from __future__ import annotations

from scalewise.imaging.protocols import FIELD, Protocol, squashing
from scalewise.training.config import DataConfig

PROTOCOL = FIELD
"""The protocol of every PSNR-Y in a run's log, unless the run squashes its pictures."""


def protocol_of(data: DataConfig) -> Protocol:
    """The protocol that a run with these data is measured by."""
    return PROTOCOL if data.squash is None else squashing(data.squash)
