"""Names of models on the command line: folders that hold none are named as such."""

from __future__ import annotations

from pathlib import Path

from scalewise.errors import ScalewiseError


def require_model(model: str, *, trained: bool = False) -> None:
    """Refuse an existing folder that holds no model, which the library takes for a name.

    Args:
        model: the name or folder that the user gave.
        trained: whether the folder of a training run is a model, too.

    Raises:
        ScalewiseError: such a folder; the error says how to make a model's.
    """
    from scalewise.weights import is_release
    from scalewise.weights.card import CARD_FILE

    if is_release(model) or not Path(model).is_dir():
        return
    if not trained:
        raise ScalewiseError(
            f"{model}: a folder without {CARD_FILE}, so not a released model's; "
            "'scalewise release' makes one of a training run"
        )
    if not any(Path(model, name).is_file() for name in ("best.pt", "last.pt")):
        raise ScalewiseError(
            f"{model}: a folder without {CARD_FILE} and best.pt, so neither a released model's nor "
            "a training run's"
        )
