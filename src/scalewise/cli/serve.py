"""``scalewise serve``: a web page to restore images on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalewise.cli.help import LIMITS
from scalewise.cli.outputs import check_output_folder
from scalewise.errors import ScalewiseError


def serve(
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Listen at this address; 0.0.0.0 lets other machines connect, with the token.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, metavar="N", help="Listen at this port, 0-65535; 0: any."),
    ] = 7860,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            envvar="SCALEWISE_TOKEN",
            help="Require this token of every client (environment: SCALEWISE_TOKEN; default: none "
            "on this machine, a random one if other machines can connect).",
        ),
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser (default: open).")
    ] = True,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep results in this folder (default: a temporary one)."),
    ] = None,
    warm_up: Annotated[
        bool,
        typer.Option(
            "--warm-up/--no-warm-up",
            help="Load and time all models when the page is opened, so that previews come at once "
            "and times are known; --no-warm-up saves their memory (default: warm-up).",
        ),
    ] = True,
    max_megabytes: Annotated[
        float,
        typer.Option(
            min=0.001, metavar="MB", help="Refuse larger uploads.", rich_help_panel=LIMITS
        ),
    ] = 100,
    max_megapixels: Annotated[
        float,
        typer.Option(
            min=0.001,
            metavar="MP",
            help="Refuse larger images; results may have four times as many pixels.",
            rich_help_panel=LIMITS,
        ),
    ] = 50,
    max_waiting: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Accept at most this many images that wait or run.",
            rich_help_panel=LIMITS,
        ),
    ] = 20,
    max_minutes: Annotated[
        float,
        typer.Option(
            min=0.001,
            metavar="MIN",
            help="Stop an image that takes longer.",
            rich_help_panel=LIMITS,
        ),
    ] = 15,
    keep_minutes: Annotated[
        float,
        typer.Option(
            min=0.001, metavar="MIN", help="Delete results after this time.", rich_help_panel=LIMITS
        ),
    ] = 60,
) -> None:
    """Open a page in the browser to drop images on.

    The page works offline. The images do not leave the machine that this runs on.

    Examples:
        # Open the page
        scalewise serve

        # Let other machines connect; they need the printed address with its token
        scalewise serve --host 0.0.0.0 --no-open

        # Run a server for programs only, with its results on a large disk
        scalewise serve --no-open --port 8000 --folder /srv/results
    """
    import webbrowser

    from scalewise.web.limits import Limits
    from scalewise.web.server import serve

    limits = Limits(
        max_bytes=round(max_megabytes * 1e6),
        max_pixels=round(max_megapixels * 1e6),
        max_waiting=max_waiting,
        max_seconds=max_minutes * 60,
        keep_seconds=keep_minutes * 60,
    )

    _check_host(host)
    if folder is not None:
        check_output_folder(folder, "--folder")
    serve(
        host,
        port,
        limits,
        token=token,
        folder=folder,
        warm_up=warm_up,
        notify=typer.echo,
        open_page=webbrowser.open if open_page else None,
    )


def _check_host(host: str) -> None:
    """Refuse an address at which no port of this machine can be listened at."""
    import os
    import socket

    try:
        family = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0][0]
        socket.create_server((host, 0), family=family).close()
    except (socket.gaierror, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    except OSError as error:  # whose own text repeats the address
        reason = os.strerror(error.errno or 0)
    else:
        return
    raise ScalewiseError(
        f"--host {host}: not an address of this machine ({reason}); choose another"
    )
