"""Evaluation protocols, one for each task, with JPEG coded by libvips."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from scalewise.files.jpeg import decode_jpeg, encode_jpeg, encoder_name
from scalewise.imaging.degradations import Subsampling
from scalewise.imaging.protocols import Degraded, JpegCodec, Protocol
from scalewise.tasks import get_task


def evaluation_protocol(task: str, **options: Any) -> Protocol:
    """Return the evaluation protocol of a task.

    Args:
        task: a name of :func:`scalewise.tasks.list_tasks`.
        options: the task's options, such as ``sigma=25`` or ``quality=10``.

    Raises:
        ScalewiseError: the task is unknown, or an option belongs to another task.
    """
    return get_task(task).make_protocol(JpegCodec(encoder_name(), _code), **options)


def _code(pixels: NDArray[Any], quality: int, subsampling: Subsampling) -> Degraded:
    encoded = encode_jpeg(pixels, quality, subsampling)
    return Degraded(decode_jpeg(encoded), encoded)
