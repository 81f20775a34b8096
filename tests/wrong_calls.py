"""Calls that must be refused, and what every refusal has in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scalewise import ScalewiseError


def call(function: Callable[..., Any], *positional: Any, **named: Any) -> Callable[[], Any]:
    def calling() -> Any:
        return function(*positional, **named)

    calling.__name__ = f"{getattr(function, '__name__', function)}-{positional}-{named}"
    return calling


def refused(calling: Callable[[], Any]) -> ScalewiseError:
    with pytest.raises(ScalewiseError) as caught:
        calling()
    message = str(caught.value)
    assert message
    assert len(message.splitlines()) == 1
    assert len(message) < 500
    assert [path.name for path in Path().iterdir()] == ["there.png"]
    return caught.value
