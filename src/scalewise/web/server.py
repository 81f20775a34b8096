"""HTTP server: its address, its token, its start and end."""

from __future__ import annotations

import ipaddress
import logging
import re
import secrets
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from importlib import import_module
from pathlib import Path
from threading import Timer

import uvicorn

from scalewise.errors import ScalewiseError
from scalewise.web.app import create_app
from scalewise.web.job_queue import JobQueue
from scalewise.web.limits import Limits
from scalewise.web.result_store import ResultStore, default_folder
from scalewise.web.security import LOOPBACK
from scalewise.web.timeouts import IdleTimeoutProtocol

_SHUTDOWN_SECONDS = 2  # for open responses when the server ends
_MAX_CONNECTIONS = 900
_OPEN_FILES = 4096  # connections, uploads, results; a process may often open 1024 only
_ALL_INTERFACES = ("0.0.0.0", "::")
_ELSEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses of other networks, which are reserved for examples."""
_TOKEN_PATTERN = re.compile(r"[\w.~-]{8,}", re.ASCII)


def serve(
    host: str,
    port: int,
    limits: Limits,
    *,
    token: str | None = None,
    folder: Path | None = None,
    warm_up: bool = True,
    notify: Callable[[str], None],
    open_page: Callable[[str], object] | None = None,
) -> None:
    """Serve until interrupted.

    Args:
        host: the address to listen at.
        port: the port to listen at; 0 for any free one.
        limits: the limits of the server.
        token: the token that requests must carry; None for none on this machine, and a random one
            if other machines can connect.
        folder: where results are kept; None for a temporary folder.
        warm_up: prepare all models for previews as soon as the page is opened.
        notify: called with lines for the user, first with the address and its token.
        open_page: called with the same address once the server listens; None to open nothing.

    Raises:
        ScalewiseError: the address is in use or does not belong to this machine, the folder is in
            use, or the token is too short or has other characters than an address may have.
    """
    import_module("python_multipart")  # fail now, not at the first upload
    _raise_file_limit()
    is_local = _is_loopback(host)
    if token is None and not is_local:
        token = secrets.token_urlsafe(24)
    if token is not None and not _TOKEN_PATTERN.fullmatch(token):
        raise ScalewiseError("token: use at least 8 characters: letters, digits and -._~")
    with _listen(host, port) as listener:
        port = listener.getsockname()[1]
        with closing(ResultStore(folder or default_folder(port))) as store:
            queue = JobQueue(limits, store)
            hosts = {*LOOPBACK, host} if is_local else None
            app = create_app(queue, token=token, hosts=hosts, warm_up=warm_up)
            address = _url("localhost" if host in _ALL_INTERFACES else host, port, token)
            notify(address)
            if host in _ALL_INTERFACES:
                for each in own_addresses(host):
                    notify(f"{_url(each, port, token)} on other machines")
                notify("or there with the name of this machine in place of localhost")
            notify("press Ctrl-C to stop")
            if open_page is not None:
                Timer(1, open_page, [address]).start()
            for noisy in ("uvicorn.error", "python_multipart"):  # of what clients do wrong
                logging.getLogger(noisy).setLevel(logging.ERROR)
            config = uvicorn.Config(
                app,
                http=IdleTimeoutProtocol,
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=_MAX_CONNECTIONS,
                ws="none",
                proxy_headers=False,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
            with suppress(KeyboardInterrupt):  # uvicorn raises it again after its shutdown
                _Server(config, queue).run(sockets=[listener])
            notify("stopped")


def own_addresses(host: str) -> list[str]:
    """Return the addresses by which other machines find this one; none without a network.

    Args:
        host: all addresses of the old protocol, or of both.
    """
    families = [socket.AF_INET, *([socket.AF_INET6] if host == "::" else [])]
    found: list[str] = []
    for family in families:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((_ELSEWHERE[family], 9))  # which sends nothing
            found.append(probe.getsockname()[0])
    return [each for each in found if not ipaddress.ip_address(each).is_loopback]


def _url(host: str, port: int, token: str | None) -> str:
    """Return the address of the page."""
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/" + (f"?token={token}" if token else "")


class _Server(uvicorn.Server):
    """Server that ends event streams when it stops, since it waits for open answers."""

    def __init__(self, config: uvicorn.Config, queue: JobQueue) -> None:
        super().__init__(config)
        self._queue = queue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        self._queue.is_stopping = True
        await super().shutdown(sockets)


def _raise_file_limit() -> None:
    """Let this process open more files, as far as the system allows it without more rights."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _is_loopback(host: str) -> bool:
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # At ::, programs of the old protocol reach the server, too, as "localhost" often means.
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server((host, port), family=family, backlog=256, dualstack_ipv6=both)
    except OSError as error:
        raise ScalewiseError(
            f"cannot listen at {host}, port {port} ({error.strerror or error}); choose another "
            "with --port"
        ) from None
