"""Uploads that are kept: each is a resource of its own, of which several jobs can be made."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

from scalewise.errors import ScalewiseError
from scalewise.files import open_picture
from scalewise.files.formats import detect_format
from scalewise.files.support import check_support
from scalewise.imaging.blind_estimation import Estimate
from scalewise.restoring.look import estimate_file
from scalewise.web.limits import Limits
from scalewise.web.messages import without_paths
from scalewise.web.uploads import Upload


@dataclass(eq=False)
class KeptUpload:
    """An upload that jobs can be made of.

    Attributes:
        name: the image's name, cleaned.
        given_name: the same as the client's computer knows it.
        upload: its file.
        width, height: of the upright image.
        of_jobs: whether it is kept for its jobs alone, since it came with one.
        id: by which clients name it.
        created: Unix time.
        jobs: the ids of the jobs that were made of it and are kept.
    """

    name: str
    given_name: str
    upload: Upload
    width: int
    height: int
    of_jobs: bool = False
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    created: float = field(default_factory=time.time)
    jobs: set[str] = field(default_factory=set[str])

    @cached_property
    def format(self) -> str:
        """The name of its format, by its content."""
        with self.upload.keep_open() as path, path.open("rb") as file:
            content = detect_format(file)
        return "image" if content is None else content.name

    @cached_property
    def estimate(self) -> Estimate:
        """Its noise and JPEG quality.

        Raises:
            ScalewiseError: it cannot be read.
        """
        with self.upload.keep_open() as path:
            try:
                return estimate_file(path, max_pixels=None)
            except ScalewiseError as error:
                raise ScalewiseError(without_paths(str(error), {str(path): self.name})) from None


def size_of_upload(upload: Upload) -> tuple[int, int]:
    """Return width and height of an upload.

    Raises:
        ScalewiseError: it is not an image, or of a format that is not decoded here.
    """
    check_support(upload.path)
    with open_picture(upload.path, max_pixels=None) as reader:
        return reader.width, reader.height


class UploadStore:
    """The uploads of a server.

    Args:
        limits: how long uploads are kept, and how many.

    Attributes:
        on_delete: called with the id of an upload that was deleted.
    """

    def __init__(self, limits: Limits) -> None:
        self.on_delete: Callable[[str], None] = lambda _: None
        self._limits = limits
        self._uploads: dict[str, KeptUpload] = {}
        self._lock = Lock()

    def add(self, kept: KeptUpload) -> None:
        """Keep an upload, which is closed when it is deleted; the oldest ones make room for it."""
        with self._lock:
            self._uploads[kept.id] = kept
        self.delete_expired()

    def find(self, id: str) -> KeptUpload | None:
        """Return the upload with an id; None if there is none."""
        return self._uploads.get(id)

    def list(self) -> list[KeptUpload]:
        """Return all uploads, newest first."""
        with self._lock:
            return sorted(self._uploads.values(), key=lambda kept: kept.created, reverse=True)

    def delete(self, kept: KeptUpload) -> None:
        """Delete an upload; jobs that were made of it keep its file."""
        with self._lock:
            self._uploads.pop(kept.id, None)
        kept.upload.close()
        self.on_delete(kept.id)

    def add_job(self, kept: KeptUpload, job: str) -> None:
        """Keep an upload for as long as a job."""
        with self._lock:
            kept.jobs.add(job)

    def forget_job(self, job: str) -> None:
        """Forget a job that was deleted, and the upload that came with it."""
        for kept in self.list():
            with self._lock:
                if job not in kept.jobs:
                    continue
                kept.jobs.remove(job)
                unused = kept.of_jobs and not kept.jobs
            if unused:
                self.delete(kept)

    def delete_expired(self) -> None:
        """Delete uploads without a job that are old, and the oldest ones if there are too many."""
        oldest, size = time.time() - self._limits.keep_seconds, 0
        for index, kept in enumerate(self.list()):
            size += kept.upload.size
            too_much = index >= self._limits.max_kept
            too_much = too_much or (index > 0 and size > self._limits.max_kept_bytes)
            if not kept.jobs and (too_much or kept.created < oldest):
                self.delete(kept)

    def close(self) -> None:
        """Delete all uploads."""
        for kept in self.list():
            self.delete(kept)
