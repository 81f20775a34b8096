"""Released weights: one folder per model, with its card, exported graph and tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalewise.weights.card import Card, Score, Training, read_card, with_scores, write_card
from scalewise.weights.resolve import (
    RELEASES,
    Release,
    cascade_of,
    clean_sibling,
    default_model,
    find_release,
    is_release,
    list_cards,
    resolve,
)

if TYPE_CHECKING:
    from scalewise.weights.release import add_int8, create_model, load_network, write_release

__all__ = [
    "RELEASES",
    "Card",
    "Release",
    "Score",
    "Training",
    "add_int8",
    "cascade_of",
    "clean_sibling",
    "create_model",
    "default_model",
    "find_release",
    "is_release",
    "list_cards",
    "load_network",
    "read_card",
    "resolve",
    "with_scores",
    "write_card",
    "write_release",
]


def __getattr__(name: str) -> Any:
    """Return a name that needs PyTorch, and import its module now."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from scalewise.weights import release

    return getattr(release, name)
