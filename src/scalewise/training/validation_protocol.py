"""Validation protocol of a training run; importing it needs no PyTorch."""

from __future__ import annotations

from dataclasses import replace

from scalewise.data.degrading import mixed_codec
from scalewise.imaging.protocols import FIELD, Protocol, squashing
from scalewise.tasks import get_task
from scalewise.training.config import DataConfig

PROTOCOL = FIELD
"""The protocol of every PSNR-Y in a run's log, unless the run squashes or degrades images."""


def protocol_of(data: DataConfig) -> Protocol:
    """Return the validation protocol of a run with these data.

    A run that degrades its images is validated by its task's evaluation protocol, in the middle
    of the run's strengths.  Its JPEGs are coded by NumPy
    (:data:`scalewise.imaging.degradations.NUMPY_JPEG`), on every machine.  Where WebP and AVIF take
    the place of some, they do so here, too, and the protocol's name tells it.
    """
    if data.squash is not None:
        return squashing(data.squash)
    task = get_task(data.task)
    if not task.is_degraded:
        return PROTOCOL
    if not data.webp + data.avif:
        return task.make_validation_protocol(data.strengths)
    protocol = task.make_validation_protocol(data.strengths, mixed_codec(data.strengths))
    name = f"{protocol.name}-webp{data.webp:g}-avif{data.avif:g}"
    description = protocol.description.replace(f"protocol {protocol.name}", f"protocol {name}", 1)
    return replace(protocol, name=name, description=description)
