"""What the tests of the report share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scalewise.reproducing import plots
from scalewise.reproducing.document import Picture
from tests.reproducing.made_up import make_reproduction


@pytest.fixture(scope="session")
def reproduction(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole reproduction, for reading, and for the report that is written of it."""
    return make_reproduction(tmp_path_factory.mktemp("made_up"))


@pytest.fixture
def plain_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots are not drawn, which takes seconds; all else is as it was."""

    def picture(
        name: str, draw: Callable[..., object], caption: str, alt: str, **_: object
    ) -> Picture:
        return Picture(name, "svg", b"<svg/>", b"<svg />", caption, alt)

    monkeypatch.setattr(plots, "picture", picture)
