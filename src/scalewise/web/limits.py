"""What the server takes on, and how long it keeps it; the page tells users."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one server.

    Attributes:
        max_bytes: of an upload.
        max_pixels: of a picture; a result may have four times as many.
        max_waiting: jobs that wait or run.
        max_seconds: that a job may run.
        keep_seconds: that a finished job's files are kept.
        max_kept: finished jobs whose files are kept; the oldest go first.
        max_uploads: uploads at the same time.
        upload_seconds: that an upload may take.
        idle_seconds: that an upload may pause.
    """

    max_bytes: int = 100_000_000
    max_pixels: int = 50_000_000
    max_waiting: int = 20
    max_seconds: float = 900
    keep_seconds: float = 3600
    max_kept: int = 100
    max_uploads: int = 64
    upload_seconds: float = 600
    idle_seconds: float = 30

    @property
    def max_result_pixels(self) -> int:
        """Pixels that a result may have."""
        return 4 * self.max_pixels
