"""``scalewise models``: a table of the released models, or the card of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scalewise.weights import Card

SHOWN = ("Set5", "Set14")
"""The datasets whose scores are listed; a model's card has the others."""


def models(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="Show the card of this model: a name from the list, a folder, "
            "or hf-hub:OWNER/NAME.",
        ),
    ] = None,
) -> None:
    """List the released models with their scores and licences.

    Use a name from this list wherever a command takes a MODEL.

    Examples:
        # List the models
        scalewise models

        # Show all scores of one, its training and its aims
        scalewise models scn_fast_x2

        # Check these scores
        scalewise evaluate scn_fast_x2 Set5 --download
    """
    from scalewise.weights import list_cards, resolve

    if model is None:
        _list(list_cards())
    else:
        _show(resolve(model).card)


def _list(cards: list[Card]) -> None:
    """Print a row for each model."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from scalewise.cli.tables import print_table
    from scalewise.imaging.protocols import FIELD

    table = Table(box=SIMPLE_HEAD, padding=0)  # narrow enough for 80 columns
    for heading in ("model", "task", "scale", "parameters", *SHOWN, "licence"):
        justify = "right" if heading in ("scale", "parameters", *SHOWN) else "left"
        table.add_column(heading, justify=justify, overflow="fold", no_wrap=heading != "licence")
    for card in cards:
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


def _show(card: Card) -> None:
    """Print a card: what the model is, its training, scores and aims."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from scalewise.cli.tables import print_lines, print_table
    from scalewise.weights.card_page import aims, describe_card, remarks

    facts = [f"{label}: {text.replace('`', '')}" for label, text in describe_card(card)]
    print_lines([f"{card.name}: {card.summary}", *facts])
    table = Table(box=SIMPLE_HEAD, padding=0)
    numbers = ("images", "PSNR", "PSNR-Y", "SSIM")
    for heading in ("dataset", "images", "protocol", "precision", *numbers[1:]):
        table.add_column(heading, justify="right" if heading in numbers else "left", no_wrap=True)
    for score in card.scores:
        if score.model == card.name:
            table.add_row(
                *(score.dataset, str(score.images), score.protocol, score.precision),
                *(f"{score.psnr:.2f}", f"{score.psnr_y:.2f}", f"{score.ssim:.4f}"),
            )
    print_table(table, [*remarks(card), *aims(card)])
