"""``scalewise models``: what can be used."""

from __future__ import annotations

SHOWN = ("Set5", "Set14")
"""The datasets whose scores are listed; a model's card has all."""


def models() -> None:
    """List the released models with their scores and licences."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from scalewise.imaging.protocols import FIELD
    from scalewise.weights import list_cards

    table = Table(box=SIMPLE_HEAD, caption=f"PSNR-Y in dB; {FIELD.description}")
    table.caption_justify = "left"
    for heading in ("model", "task", "scale", "parameters", *SHOWN, "licence"):
        numeric = heading in ("scale", "parameters", *SHOWN)
        table.add_column(heading, justify="right" if numeric else "left")
    for card in list_cards():
        scores = [card.score(dataset, FIELD.name) for dataset in SHOWN]
        table.add_row(
            card.name,
            card.task,
            f"x{card.scale}",
            f"{card.parameters:,}",
            *(f"{score.psnr_y:.2f}" if score else "-" for score in scores),
            card.licence,
        )
    Console().print(table)
