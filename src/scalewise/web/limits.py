"""What the server takes on, and how long it keeps it; the page tells users."""

from __future__ import annotations

from dataclasses import dataclass

_BYTES_PER_PIXEL = {"avif": 35, "webp": 9}
"""Peak memory of the encoders that take pictures whole, measured on RGB of 8 bits."""


@dataclass(frozen=True)
class Limits:
    """Limits of one server.

    Attributes:
        max_bytes: of an upload.
        max_pixels: of a picture; a result may have four times as many, where it is not
            encoded as a whole in memory.
        encoding_bytes: of memory that this may take.
        max_waiting: jobs that wait or run.
        max_seconds: that a job may run.
        keep_seconds: that a finished job's files are kept.
        max_kept: finished jobs whose files are kept; the oldest go first.
        max_kept_bytes: of those files.
        free_bytes: of memory that must be free for another job to be taken.
        max_uploads: uploads at the same time.
        max_requests: requests at the same time, of all kinds.
        upload_seconds: that an upload may take.
        idle_seconds: that an upload may pause.
        least_rate: bytes per second that an upload has to bring in the mean, after a first pause:
            many that trickle would leave no room for others.
    """

    max_bytes: int = 100_000_000
    max_pixels: int = 50_000_000
    max_waiting: int = 20
    max_seconds: float = 900
    keep_seconds: float = 3600
    encoding_bytes: int = 1_000_000_000
    max_kept: int = 100
    max_kept_bytes: int = 10_000_000_000
    free_bytes: int = 300_000_000
    max_uploads: int = 64
    max_requests: int = 300
    upload_seconds: float = 600
    idle_seconds: float = 30
    least_rate: float = 5_000

    def max_result_pixels(self, format: str) -> int:
        """Pixels that a result may have in a format.

        >>> Limits().max_result_pixels("png"), Limits().max_result_pixels("avif")
        (200000000, 28571428)
        """
        most = 4 * self.max_pixels
        whole = _BYTES_PER_PIXEL.get(format)
        return most if whole is None else min(most, self.encoding_bytes // whole)
