"""``scalewise models``: a table of the released models."""

from __future__ import annotations

SHOWN = ("Set5", "Set14")
"""The datasets whose scores are listed; a model's card has the others."""


def models() -> None:
    """List the released models with their scores and licences.

    Use a name from this list wherever a command takes a MODEL.

    Examples:
        # List the models
        scalewise models

        # Enlarge an image with the fast one
        scalewise upscale photo.png -m scn_fast_x2

        # Check the scores of one
        scalewise evaluate scn_x2 Set5 --download
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from scalewise.cli.tables import print_table
    from scalewise.imaging.protocols import FIELD
    from scalewise.weights import list_cards

    table = Table(box=SIMPLE_HEAD, padding=0)  # narrow enough for 80 columns
    for heading in ("model", "task", "scale", "parameters", *SHOWN, "licence"):
        justify = "right" if heading in ("scale", "parameters", *SHOWN) else "left"
        table.add_column(heading, justify=justify, overflow="fold", no_wrap=heading != "licence")
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
    print_table(table, [f"PSNR-Y in dB; {FIELD.description}"])
