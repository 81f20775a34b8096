"""Released weights: one folder per model, with its card, exported graph and tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalewise.lazy import lazy_names
from scalewise.weights.card import Card, Score, Training, read_card, with_scores
from scalewise.weights.card_page import write_card
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

__getattr__ = lazy_names(
    __name__, {"release": ("add_int8", "create_model", "load_network", "write_release")}
)  # which need PyTorch
