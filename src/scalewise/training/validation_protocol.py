"""Validation protocol of a training run; importing it needs no PyTorch."""

from __future__ import annotations

from scalewise.imaging.protocols import FIELD, Protocol, squashing
from scalewise.tasks import get_task
from scalewise.training.config import DataConfig

PROTOCOL = FIELD
"""The protocol of every PSNR-Y in a run's log, unless the run squashes or degrades images."""


def protocol_of(data: DataConfig) -> Protocol:
    """Return the validation protocol of a run with these data.

    A run that degrades its images is validated by its task's evaluation protocol, in the middle
    of the run's strengths.  Its JPEGs are coded by NumPy
    (:data:`scalewise.imaging.degradations.NUMPY_JPEG`), on every machine.
    """
    if data.squash is not None:
        return squashing(data.squash)
    task = get_task(data.task)
    return task.make_validation_protocol(data.strengths) if task.is_degraded else PROTOCOL
