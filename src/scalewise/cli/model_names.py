"""Models on the command line that may be training runs, too."""

from __future__ import annotations

from pathlib import Path

from scalewise.errors import ScalewiseError


def require_model(model: str) -> None:
    """Refuse an existing folder that holds neither a released model nor a training run.

    Args:
        model: the name or folder that the user gave.

    Raises:
        ScalewiseError: such a folder.
    """
    from scalewise.weights import is_release
    from scalewise.weights.card import CARD_FILE

    if is_release(model) or not Path(model).is_dir():
        return
    if not any(Path(model, name).is_file() for name in ("best.pt", "last.pt")):
        raise ScalewiseError(
            f"{model}: a folder without {CARD_FILE} and best.pt, so neither a released model's nor "
            "a training run's"
        )
