"""Fixtures of the tests of the report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scalewise.experiments import plots
from scalewise.experiments.plots import ReportImage
from tests.experiments.made_up import make_reproduction


@pytest.fixture(scope="session")
def reproduction(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete reproduction; tests read it, and one writes its report."""
    return make_reproduction(tmp_path_factory.mktemp("made_up"))


@pytest.fixture
def plain_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace all plots by empty ones: drawing takes seconds."""

    def render(name: str, draw: Callable[..., object], **_: object) -> ReportImage:
        return ReportImage(name, "svg", b"<svg/>", b"<svg />")

    monkeypatch.setattr(plots, "render", render)
