"""Catalogue of the released models that a server offers, and of their relations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from scalewise.errors import ScalewiseError
from scalewise.tasks import list_tasks
from scalewise.weights import cascade_of, clean_sibling, default_model, resolve
from scalewise.weights.card import Card


@dataclass(frozen=True)
class Chain:
    """A model, and those that an image may go through together with it.

    Attributes:
        model: its name or folder.
        card: of the model.
        following: the cards of those that follow it, or replace it for other sizes.
        sibling: the card of the model whose result is mixed with its own at a strength below 1;
            None where there is none.
    """

    model: str
    card: Card
    following: Sequence[Card] = ()
    sibling: Card | None = None


def chain_of(model: str) -> Chain:
    """Return a released model with its relations.

    Raises:
        ScalewiseError: there is no such model.
    """
    card = resolve(model).card
    sibling = clean_sibling(card)
    return Chain(
        model,
        card,
        [resolve(name).card for name in cascade_of(card)],
        None if sibling is None else resolve(sibling).card,
    )


def default_models() -> Iterator[str]:
    """Yield the models that tasks use by default, each a name or a folder."""
    for name in list_tasks():
        try:
            yield default_model(name)
        except ScalewiseError:  # no model of this installation has the task
            continue


class Catalogue:
    """Released models, each looked up once: a look-up reads the cards of all of them.

    Attributes:
        chain: as :func:`chain_of`.
        default: the name of a task's default model, as :func:`scalewise.weights.default_model`.
    """

    def __init__(self) -> None:
        self.chain = cache(chain_of)
        self.default = cache(default_model)

    @cached_property
    def offered(self) -> list[Chain]:
        """The models that tasks use by default."""
        return [self.chain(model) for model in default_models()]
