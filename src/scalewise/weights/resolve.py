"""Resolution of a model's name, folder or hub reference to its folder and card."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from scalewise.errors import ScalewiseError
from scalewise.weights.card import CARD_FILE, Card, read_card
from scalewise.weights.hub import HUB, download_release

RELEASES = Path(__file__).parent
"""The folder of the models that come with the package, one folder each."""


class Release(NamedTuple):
    """A released model: its folder, and what its card says."""

    folder: Path
    card: Card


def resolve(model: str | Path) -> Release:
    """Return the folder and the card of a released model.

    Args:
        model: the name of one that comes with the package; the path of a folder; or
            ``hf-hub:owner/name``, with ``@revision`` or without, which is downloaded once.

    Raises:
        ScalewiseError: there is no such model, with the nearest name; or its card is damaged.
    """
    folder = find_release(model)
    return Release(folder, read_card(folder))


def find_release(model: str | Path) -> Path:
    """Return the folder of a released model, as :func:`resolve` does."""
    if not isinstance(model, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ScalewiseError(f"a model is a name or a folder, not {model!r}", arguments=["model"])
    if str(model).startswith(HUB):
        return download_release(str(model))
    for folder in (RELEASES / model, Path(model)):
        if (folder / CARD_FILE).is_file():
            return folder
    if Path(model).is_file():
        raise ScalewiseError(
            f"{model}: a file, not a released model's name or folder; 'scalewise release' makes "
            "such a folder of a trained network"
        )
    names = [card.name for card in list_cards()]
    match = get_close_matches(str(model), names, n=1)
    hint = f"did you mean '{match[0]}'?" if match else f"known: {', '.join(names)}"
    raise ScalewiseError(f"unknown model '{model}'; {hint}")


def is_release(model: str | Path) -> bool:
    """Return whether this names a released model; a hub reference is not looked up."""
    if str(model).startswith(HUB):
        return True
    return (Path(model) / CARD_FILE).is_file() or (RELEASES / model / CARD_FILE).is_file()


def list_cards() -> list[Card]:
    """Return the cards of all models that come with the package, sorted by name."""
    return [read_card(path.parent) for path in sorted(RELEASES.glob(f"*/{CARD_FILE}"))]


def clean_model(scale: int) -> str:
    """Return the name of the released model that enlarges clean images."""
    return f"scn_x{scale}"
