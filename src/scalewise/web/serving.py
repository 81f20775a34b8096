"""Listening: the address, the token where one is needed, and the server's end."""

from __future__ import annotations

import ipaddress
import logging
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import uvicorn

from scalewise.errors import ScalewiseError
from scalewise.web.app import make_app
from scalewise.web.jobs import Queue
from scalewise.web.limits import Limits
from scalewise.web.security import LOOPBACK
from scalewise.web.store import Store, default_folder

_GRACE = 2  # seconds for answers on their way when the server ends
_CONNECTIONS = 500


def serve(
    host: str,
    port: int,
    limits: Limits,
    *,
    token: str | None = None,
    folder: Path | None = None,
    tell: Callable[[str], None],
    open_page: Callable[[str], object] | None = None,
) -> None:
    """Serve until interrupted.

    Args:
        host: address to listen at.
        port: likewise; 0 for any that is free.
        limits: what to take on.
        token: what requests must show; None for none on this machine, and a new one elsewhere.
        folder: where results are kept; None for one of the system's temporary ones.
        tell: given the address, with the token.
        open_page: given the same, once the server listens; None for nothing.

    Raises:
        ScalewiseError: the address is in use or not this machine's, or the folder is in use.
    """
    is_local = _is_loopback(host)
    if token is None and not is_local:
        token = secrets.token_urlsafe(24)
    with _listening(host, port) as listener:
        port = listener.getsockname()[1]
        with Store(folder or default_folder(port)) as store:
            queue = Queue(limits, store)
            app = make_app(queue, token=token, only_loopback=is_local)
            shown = "localhost" if is_local else host
            shown = f"[{shown}]" if ":" in shown else shown
            address = f"http://{shown}:{port}/" + (f"?token={token}" if token else "")
            tell(address)
            if open_page is not None:
                Timer(1, open_page, [address]).start()
            logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
            config = uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=_CONNECTIONS,
                timeout_graceful_shutdown=_GRACE,
            )
            uvicorn.Server(config).run(sockets=[listener])


def _is_loopback(host: str) -> bool:
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise ScalewiseError(
            f"cannot listen at {host}, port {port} ({error.strerror or error}); choose another "
            "with --port"
        ) from None
