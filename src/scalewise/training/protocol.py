"""How runs are measured while they train; apart from the measuring, which needs PyTorch."""

from __future__ import annotations

from scalewise.imaging.protocols import FIELD

PROTOCOL = FIELD
"""The protocol of every PSNR-Y in a run's log."""
