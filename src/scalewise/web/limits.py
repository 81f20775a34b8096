"""Limits of the server: sizes, times and numbers; the page shows them."""

from __future__ import annotations

from dataclasses import dataclass

from scalewise.arguments import counted

_BYTES_PER_PIXEL = {"avif": 35, "webp": 9}
"""Peak memory of the encoders that need the whole image, measured on 8-bit RGB."""


class ServerBusy(Exception):
    """The server accepts no more jobs for now.

    Args:
        reason: why.
        seconds: estimated time until it does again.
    """

    def __init__(self, reason: str, seconds: int) -> None:
        super().__init__(f"{reason}; try again in {counted(seconds, 'second')}")
        self.seconds = seconds


@dataclass(frozen=True)
class Limits:
    """Limits of one server.

    Attributes:
        max_bytes: the size of an upload.
        max_pixels: the pixels of an image; a result may have four times as many, unless its
            encoder needs the whole image in memory.
        max_encoder_bytes: the memory that such an encoder may use.
        max_waiting: the number of images that wait or run.
        max_seconds: the time that an image may take.
        keep_seconds: the time that results are kept.
        max_kept: the number of finished jobs that are kept.
        max_kept_bytes: the disk space of finished jobs.
        min_free_memory: the free memory that is needed to accept another job.
        max_uploads: the number of uploads at the same time.
        max_requests: the number of requests at the same time, without event streams.
        max_streams: the number of event streams at the same time.
        upload_seconds: the time that an upload may take.
        idle_seconds: the time that an upload may pause.
        min_rate: the mean rate of an upload in bytes per second, after a first pause; many
            slow uploads would leave no room for others.
    """

    max_bytes: int = 100_000_000
    max_pixels: int = 50_000_000
    max_waiting: int = 20
    max_seconds: float = 900
    keep_seconds: float = 3600
    max_encoder_bytes: int = 1_000_000_000
    max_kept: int = 100
    max_kept_bytes: int = 10_000_000_000
    min_free_memory: int = 300_000_000
    max_uploads: int = 64
    max_requests: int = 300
    max_streams: int = 200
    upload_seconds: float = 600
    idle_seconds: float = 30
    min_rate: float = 5_000

    def max_result_pixels(self, format: str) -> int:
        """Return the number of pixels that a result may have in a format.

        >>> Limits().max_result_pixels("png"), Limits().max_result_pixels("avif")
        (200000000, 28571428)
        """
        most = 4 * self.max_pixels
        whole = _BYTES_PER_PIXEL.get(format)
        return most if whole is None else min(most, self.max_encoder_bytes // whole)
