"""Protocols of evaluation, one for each task, with JPEG as libvips codes it."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from scalewise.files.jpeg import decode_jpeg, encode_jpeg, encoder_name
from scalewise.imaging.degradations import Subsampling
from scalewise.imaging.protocols import Degraded, JpegCodec, Protocol
from scalewise.tasks import get_task


def evaluation_protocol(task: str, **options: Any) -> Protocol:
    """Make the protocol that a task is evaluated by.

    Args:
        task: a name of :func:`scalewise.tasks.list_tasks`.
        options: what may be chosen for it, such as ``sigma=25`` or ``quality=10``.

    Raises:
        ScalewiseError: an unknown task, or an option of another one.
    """
    return get_task(task).make_protocol(JpegCodec(encoder_name(), _code), **options)


def _code(pixels: NDArray[Any], quality: int, subsampling: Subsampling) -> Degraded:
    encoded = encode_jpeg(pixels, quality, subsampling)
    return Degraded(decode_jpeg(encoded), encoded)
