"""Command line of the contestants."""

from __future__ import annotations

import sys

import contestants
import pytest


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_without_a_task_it_says_who_calls_it(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["contestants.py", *arguments])
    with pytest.raises(SystemExit, match=r"usage: python contestants\.py TASK; speed\.py and"):
        contestants.main()
