"""What a user asks for: which networks, which size, what the result is called, which command."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from scalewise.errors import ScalewiseError
from scalewise.files import IMAGE_SUFFIXES, format_of
from scalewise.restoring.jobs import result_name
from scalewise.restoring.pictures import Wishes
from scalewise.restoring.selection import MODELS
from scalewise.restoring.sizes import Target
from scalewise.web.schemas import RestoreForm, Task
from scalewise.weights import clean_model, list_cards
from scalewise.weights.card import Card

_LONGEST_NAME = 120


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes:
        name: of the picture, cleaned.
        task: what to do.
        model: a released model, by name; None for the choice by the picture's file.
        native: how many times the networks enlarge; 1 where the size stays.
        target: the size.
        strength: how much is kept of what the network changes.
        format: of the result; None for the picture's own.
    """

    name: str
    task: Task
    model: str | None
    native: int
    target: Target
    strength: float
    format: str | None

    @property
    def grows(self) -> bool:
        """Whether the result may be of another size."""
        return self.native > 1

    @property
    def nameless(self) -> Order:
        """The same for a picture whose name is not told."""
        return replace(self, name=f"picture{Path(self.name).suffix}")

    @property
    def result_name(self) -> str:
        """What the command line would call the result."""
        suffix = f"_{self.target.label(self.native)}" if self.grows else "_restored"
        form = None if self.format is None else format_of(Path("a.png"), self.format)
        extension = None if form is None else form.suffixes[0]
        return result_name(Path(self.name), suffix, extension)

    @property
    def wishes(self) -> Wishes:
        """The same, as the engine takes it."""
        return Wishes(self.target, format=self.format, overwrite=True, max_pixels=None)

    @property
    def command(self) -> str:
        """The command line that does the same."""
        given = f"./{self.name}" if self.name.startswith("-") else self.name
        words = ["scalewise", "upscale" if self.grows else "restore", given]
        if self.model is not None:
            is_task = self.model == MODELS.get(self.task) and not self.grows
            words += ["--task", self.task] if is_task else ["-m", self.model]
        options = {
            "scale": self.target.scale,
            "width": self.target.width,
            "height": self.target.height,
            "strength": None if self.strength == 1 else self.strength,
            "format": self.format,
        }
        for option, value in options.items():
            words += [] if value is None else [f"--{option}", _written(value)]
        return shlex.join(words)


def _written(value: float | str) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def order_of(form: RestoreForm, file_name: str) -> Order:
    """What a form asks for.

    Raises:
        ScalewiseError: no such model, or wishes that do not go together.
    """
    card = _card_of(form)
    native = 2 if card is None else card.scale
    target = Target(form.scale, form.width, form.height)
    if native == 1 and target != Target():
        raise ScalewiseError("the size stays as it is when nothing is enlarged; leave it out")
    if form.strength < 1 and card is not None and card.task == "super-resolution":
        raise ScalewiseError(f"{card.name} only enlarges: it has no strength to choose")
    name = card.name if card is not None else None
    return Order(clean_name(file_name), form.task, name, native, target, form.strength, form.format)


def _card_of(form: RestoreForm) -> Card | None:
    """The model that is asked for; None for the choice by the picture's file."""
    by_task = {**MODELS, "upscale": clean_model(2)}
    name = form.model or by_task.get(form.task)
    if name is None:
        return None
    cards = {card.name: card for card in list_cards()}
    if name not in cards:
        raise ScalewiseError(f"unknown model '{name}'; choose one of {', '.join(cards)}")
    return cards[name]


def clean_name(name: str) -> str:
    r"""A file's name as it may be shown: without folders, control characters and excess length.

    >>> clean_name("../../etc/passwd"), clean_name("a\\b.jpg"), clean_name("..")
    ('passwd', 'b.jpg', 'picture')
    """
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(letter for letter in last if letter.isprintable()).strip()
    path = PurePosixPath(shown or "picture")
    if path.name in ("", ".", ".."):
        return "picture"
    suffix = path.suffix if path.suffix.lower() in IMAGE_SUFFIXES else path.suffix[:10]
    return path.name.removesuffix(path.suffix)[: _LONGEST_NAME - len(suffix)] + suffix
