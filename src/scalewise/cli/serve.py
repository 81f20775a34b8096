"""``scalewise serve``: the page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

LIMITS = "Limits"


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than this machine's need the token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 7860,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="SCALEWISE_TOKEN",
            help="What must be shown to be let in; made up by default where others can connect.",
        ),
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser.")
    ] = True,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where results are kept for their time (default: a temporary folder)."),
    ] = None,
    max_megabytes: Annotated[
        float, typer.Option(min=0.001, help="Of an upload.", rich_help_panel=LIMITS)
    ] = 100,
    max_megapixels: Annotated[
        float,
        typer.Option(
            min=0.001,
            help="Of a picture; results may have four times as many.",
            rich_help_panel=LIMITS,
        ),
    ] = 50,
    max_waiting: Annotated[
        int, typer.Option(min=1, help="Pictures that wait or run.", rich_help_panel=LIMITS)
    ] = 20,
    max_minutes: Annotated[
        float, typer.Option(min=0.001, help="That a picture may take.", rich_help_panel=LIMITS)
    ] = 15,
    keep_minutes: Annotated[
        float, typer.Option(min=0.001, help="That results are kept.", rich_help_panel=LIMITS)
    ] = 60,
) -> None:
    """Open a page to drop pictures on.

    It works offline, and nothing leaves this machine.
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

    serve(
        host,
        port,
        limits,
        token=token,
        folder=folder,
        tell=typer.echo,
        open_page=webbrowser.open if open_page else None,
    )
