"""Released weights: each in a folder with its card, its exported graph and its tensors."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from scalewise.errors import ScalewiseError
from scalewise.weights.card import CARD_FILE, Card, read_card

RELEASES = Path(__file__).parent


def clean_model(scale: int) -> str:
    """The name of the released model that enlarges clean pictures."""
    return f"scn_x{scale}"


def list_cards() -> list[Card]:
    """The cards of all models that come with the package, sorted by name."""
    return [read_card(path.parent) for path in sorted(RELEASES.glob(f"*/{CARD_FILE}"))]


def is_release(model: str | Path) -> bool:
    """Whether this is the name, or the folder, of a released model."""
    return (Path(model) / CARD_FILE).is_file() or (RELEASES / model / CARD_FILE).is_file()


def find_release(model: str | Path) -> Path:
    """The folder of a released model.

    Args:
        model: the name of one that comes with the package, or the path of a folder.

    Raises:
        ScalewiseError: there is none; the message names the nearest.
    """
    if not isinstance(model, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ScalewiseError(f"a model is a name or a folder, not {model!r}")
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
