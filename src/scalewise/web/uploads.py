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
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from scalewise.files.temp_files import DESCRIPTORS_HAVE_NAMES
from scalewise.web.limits import Limits
from scalewise.web.names import clean_name, decode_exact_name, decode_name
from scalewise.web.parameters import check_names
from scalewise.web.problems import HttpProblem, disk_problem, format_validation_errors
from scalewise.web.schemas import RestoreForm, UploadForm

_MAX_DRAINED_BYTES, _MAX_DRAIN_SECONDS = 16_000_000, 5.0
_MAX_FORM_BYTES = 100_000  # around the image
_FORM, _FORM_WITHOUT_FILES = "multipart/form-data", "application/x-www-form-urlencoded"
"""Media types of forms; the second may name an upload, and is what curl calls any data."""


class _UnnamedFile:
    """An upload's file, and the number of those who use it."""

    def __init__(self, file: UploadFile) -> None:
        spooled = file.file
        spooled.rollover()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        spooled.flush()
        self.lock = Lock()
        self.descriptor = os.dup(spooled.fileno())
        self.named: Path | None = None
        self.users = 0
        if not DESCRIPTORS_HAVE_NAMES:
            spooled.seek(0)
            with NamedTemporaryFile(prefix="scalewise-", delete=False) as copy:
                copy.write(spooled.read())
            self.named = Path(copy.name)

    def leave(self) -> None:
        """Count a user less; the last one closes the file."""
        with self.lock:
            self.users -= 1
            if self.users:
                return
            os.close(self.descriptor)
            self.descriptor = -1
        if self.named is not None:
            self.named.unlink(missing_ok=True)


class Upload:
    """An uploaded image in an unnamed file, which vanishes with the process.

    It also vanishes once this upload, and all that share its file, are closed.

    Args:
        file: open for reading, its descriptor is duplicated; or an upload's file, to share.
    """

    def __init__(self, file: UploadFile | _UnnamedFile) -> None:
        self._file = file if isinstance(file, _UnnamedFile) else _UnnamedFile(file)
        self._closed = False
        with self._file.lock:
            if self._file.descriptor < 0:
                raise FileNotFoundError(errno.ENOENT, "the upload is closed")
            self._file.users += 1
        self.size = os.fstat(self._file.descriptor).st_size

    @property
    def path(self) -> Path:
        """Path to open the upload by in this process, until it is closed."""
        return self._file.named or Path(f"/dev/fd/{self._file.descriptor}")

    def share(self) -> Upload:
        """Return another upload of the same file.

        Raises:
            FileNotFoundError: the upload is closed already.
        """
        return Upload(self._file)

    @contextmanager
    def keep_open(self) -> Generator[Path]:
        """Provide a path that works until the block ends, even if the upload is closed earlier.

        Yields:
            The path.

        Raises:
            FileNotFoundError: the upload is closed already.
        """
        shared = self.share()
        try:
            yield shared.path
        finally:
            shared.close()

    def close(self) -> None:
        """Free its disk space, unless others share its file."""
        with self._file.lock:
            if self._closed:
                return
            self._closed = True
        self._file.leave()


async def receive_form(
    request: Request, limits: Limits, schema: type[BaseModel] = UploadForm
) -> tuple[RestoreForm, Upload | None, str]:
    """Receive a form: its fields, the image if one came with it, and its name.

    Args:
        request: of the client.
        limits: of the server.
        schema: the fields that may be sent.

    Raises:
        HttpProblem: too many bytes, too slow, not a form, unknown, repeated or invalid fields, or
            neither an image nor the id of an upload in it.
    """
    kind = request.headers.get("content-type", "").lower()
    if not kind.startswith((_FORM, _FORM_WITHOUT_FILES)):
        await drain(request)
        raise _not_a_form()
    has_files = kind.startswith(_FORM)
    most = _MAX_FORM_BYTES + limits.max_bytes * has_files
    too_large = _too_large(limits) if has_files else _not_a_form()
    await _check_declared_size(request, most, too_large)
    limited = Request(request.scope, _limit_receive(request.receive, limits, most, too_large))
    try:
        form = await limited.form(max_files=1, max_fields=20)
    except HttpProblem:
        raise
    except (HTTPException, MultiPartException) as error:  # such as several files
        if not has_files:
            raise _not_a_form() from None
        said = error.detail if isinstance(error, HTTPException) else error.message
        detail = f"the form cannot be read ({said.rstrip('.')})"
        raise HttpProblem(HTTPStatus.BAD_REQUEST, detail) from None
    except (LookupError, UnicodeError):  # such as an encoding that does not exist
        raise HttpProblem(HTTPStatus.BAD_REQUEST, "the form is incomplete") from None
    except ClientDisconnect:
        raise HttpProblem(HTTPStatus.BAD_REQUEST, "the upload was interrupted") from None
    except OSError as error:
        raise disk_problem(error) from None
    try:
        if not has_files and not all(name.isidentifier() for name in form):
            raise _not_a_form()
        check_names("field", (name for name, _ in form.multi_items()), schema.model_fields)
        file = form.get("file")
        fields = {name: value for name, value in form.items() if name != "file"}
        if "upload" in fields and (isinstance(file, UploadFile) or "file_name" in fields):
            raise HttpProblem(
                HTTPStatus.UNPROCESSABLE_ENTITY, "file and upload name the image; send one of them"
            )
        if "upload" in fields:
            return _validate_fields(fields), None, ""
        if not isinstance(file, UploadFile):
            raise HttpProblem(HTTPStatus.UNPROCESSABLE_ENTITY, "file: the image is missing")
        checked = _validate_fields(fields)
        name = decode_name(file.filename or "")
        if checked.file_name is not None:
            name = decode_exact_name(checked.file_name)
        if not file.size:
            raise HttpProblem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"{clean_name(name)}: the file is empty (0 bytes); choose another",
            )
        return checked, Upload(file), name
    except OSError as error:
        raise disk_problem(error) from None
    finally:
        await form.close()


async def _check_declared_size(request: Request, most: int, too_large: HttpProblem) -> None:
    """Refuse what will be too large before it is sent."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        await drain(request)
        raise too_large


def _not_a_form() -> HttpProblem:
    return HttpProblem(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"send a form ({_FORM}) whose field file is the image, as curl -F file=@a.png does",
    )


def _too_large(limits: Limits) -> HttpProblem:
    return HttpProblem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the file is larger than {limits.max_bytes / 1e6:g} MB, the limit of this server",
    )


def _validate_fields(fields: Mapping[str, object]) -> RestoreForm:
    try:
        return RestoreForm.model_validate(fields)
    except ValidationError as error:
        detail = format_validation_errors(error.errors(include_url=False, include_input=False))
        raise HttpProblem(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None


def _limit_receive(receive: Receive, limits: Limits, most: int, too_large: HttpProblem) -> Receive:
    """Wrap the receiver of a request, to refuse what is too slow or has too many bytes."""
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
        if received > most:
            await _read_on(receive)
            raise too_large
        return message

    return receive_limited


async def drain(request: Request) -> None:
    """Read some of an upload that is refused, so that the client reads the reason.

    A client that waits for permission to send reads it at once; reading would be the permission.
    """
    if request.headers.get("expect", "").lower() != "100-continue":
        await _read_on(request.receive)


async def _read_on(receive: Receive) -> None:
    received, end = 0, time.monotonic() + _MAX_DRAIN_SECONDS
    while received < _MAX_DRAINED_BYTES:
        try:
            message = await asyncio.wait_for(receive(), end - time.monotonic())
        except TimeoutError:
            return
        received += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
