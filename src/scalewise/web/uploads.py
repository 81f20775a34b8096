"""Uploads: received within limits, and kept in unnamed files."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from scalewise.files.temp_files import DESCRIPTORS_HAVE_NAMES
from scalewise.files.vips_errors import is_disk_full
from scalewise.web.limits import Limits
from scalewise.web.problems import HttpProblem, format_validation_errors
from scalewise.web.schemas import RestoreForm

_MAX_DRAINED_BYTES, _MAX_DRAIN_SECONDS = 16_000_000, 5.0
_DISK_FULL_RETRY_SECONDS = 60


class Upload:
    """An uploaded image in an unnamed file, which vanishes with the process or when closed.

    Args:
        file: open for reading; its descriptor is duplicated.
    """

    def __init__(self, file: UploadFile) -> None:
        spooled = file.file
        spooled.rollover()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        spooled.flush()
        self._lock = Lock()
        self._descriptor = os.dup(spooled.fileno())
        self._named: Path | None = None
        self.size = os.fstat(self._descriptor).st_size
        if not DESCRIPTORS_HAVE_NAMES:
            spooled.seek(0)
            with NamedTemporaryFile(prefix="scalewise-", delete=False) as copy:
                copy.write(spooled.read())
            self._named = Path(copy.name)

    @property
    def path(self) -> Path:
        """Path to open the upload by in this process, until it is closed."""
        return self._named or Path(f"/dev/fd/{self._descriptor}")

    @contextmanager
    def keep_open(self) -> Generator[Path]:
        """Provide a path that works until the block ends, even if the upload is closed earlier.

        Yields:
            The path.

        Raises:
            FileNotFoundError: the upload is closed already.
        """
        with self._lock:
            if self._descriptor < 0:
                raise FileNotFoundError(errno.ENOENT, "the upload is closed")
            copy = os.dup(self._descriptor)
        try:
            yield self._named or Path(f"/dev/fd/{copy}")
        finally:
            os.close(copy)

    def close(self) -> None:
        """Free its disk space."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
        if self._named is not None:
            self._named.unlink(missing_ok=True)


async def receive_form(request: Request, limits: Limits) -> tuple[RestoreForm, Upload, str]:
    """Receive a form with an image: the form, the image, and its name.

    Raises:
        HttpProblem: too many bytes, too slow, not a form, no image in it, or invalid fields.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HttpProblem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "send a form (multipart/form-data) with the image as its file",
        )
    limited = Request(request.scope, _limit_receive(request.receive, limits))
    try:
        form = await limited.form(max_files=1, max_fields=20)
    except (MultiPartException, LookupError, UnicodeError):  # such as a header without a boundary
        raise HttpProblem(HTTPStatus.BAD_REQUEST, "the form is incomplete") from None
    except ClientDisconnect:
        raise HttpProblem(HTTPStatus.BAD_REQUEST, "the upload was interrupted") from None
    except OSError as error:
        raise _explain_disk_error(error) from None
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise HttpProblem(HTTPStatus.UNPROCESSABLE_ENTITY, "file: the image is missing")
        fields = {name: value for name, value in form.items() if name != "file"}
        return _validate_fields(fields), Upload(file), file.filename or ""
    except OSError as error:
        raise _explain_disk_error(error) from None
    finally:
        await form.close()


def _validate_fields(fields: Mapping[str, object]) -> RestoreForm:
    try:
        return RestoreForm.model_validate(fields)
    except ValidationError as error:
        detail = format_validation_errors(error.errors(include_url=False, include_input=False))
        raise HttpProblem(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None


def _explain_disk_error(error: OSError) -> Exception:
    if not is_disk_full(error):
        return error
    return HttpProblem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the server's disk is full; try again later",
        _DISK_FULL_RETRY_SECONDS,
    )


def _limit_receive(receive: Receive, limits: Limits) -> Receive:
    """Wrap the receiver of a request, to refuse what is too large or too slow."""
    received, begin = 0, time.monotonic()

    async def receive_limited() -> Message:
        nonlocal received
        passed = time.monotonic() - begin
        allowed = min(limits.upload_seconds, limits.idle_seconds + received / limits.min_rate)
        timeout = min(limits.idle_seconds, allowed - passed)
        try:
            message = await asyncio.wait_for(receive(), timeout)
        except TimeoutError:
            raise HttpProblem(HTTPStatus.REQUEST_TIMEOUT, "the upload was too slow") from None
        received += len(message.get("body", b""))
        if received > limits.max_bytes + 100_000:  # the form around the image
            await drain(receive)
            raise HttpProblem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the file is larger than {limits.max_bytes / 1e6:g} MB, the limit of this server",
            )
        return message

    return receive_limited


async def drain(receive: Receive) -> None:
    """Read some of the remaining upload, so that the client reads the reason of the refusal."""
    received, end = 0, time.monotonic() + _MAX_DRAIN_SECONDS
    while received < _MAX_DRAINED_BYTES:
        try:
            message = await asyncio.wait_for(receive(), end - time.monotonic())
        except TimeoutError:
            return
        received += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
