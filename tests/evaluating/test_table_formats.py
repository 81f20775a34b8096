"""Tables of methods with unusual names, in each form."""

from __future__ import annotations

import re

import pytest

from scalewise.evaluating.evaluate import Evaluation, ImageScore
from scalewise.evaluating.score_table import ScoreTable, make_table
from scalewise.evaluating.table_formats import render
from scalewise.evaluating.text_layout import display_width
from scalewise.imaging.protocols import FIELD


def scores(name: str, *, precision: str = "", seconds: float = float("nan")) -> Evaluation:
    images = [
        ImageScore(each, 50, 40, 30 + at + len(name) / 10, 31 + at, 0.9 + at / 99, None, seconds)
        for at, each in enumerate("abcdefg")
    ]
    return Evaluation(name, "Set", FIELD, precision, images)


def table_of(*names: str, against: str | None = None) -> ScoreTable:
    return make_table([scores(name) for name in names], 2, against=against)


def test_latex_keeps_names_apart_from_what_is_before_them() -> None:
    text = render(table_of("Foo", "[12] Bar", "* star", 'a|b <c> 5"'), "latex")
    rows = [line.split(" & ")[0] for line in text.splitlines() if re.search(r"^[^%].* & ", line)]
    assert rows[2:] == [
        "{[}12] Bar",
        "{*} star",
        "a\\textbar{}b \\textless{}c\\textgreater{} 5''",
    ]
    assert "LuaLaTeX" not in text
    assert "% names are not all ASCII: compile with LuaLaTeX" in render(table_of("日本"), "latex")


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "csv"])
def test_a_name_of_two_lines_stays_in_its_row(form) -> None:
    text = render(table_of("Foo", "two\nlines", against="two\nlines"), form)
    plain = render(table_of("Foo", "two lines", against="two lines"), form)
    assert text == plain


@pytest.mark.parametrize("name", ["日本の方法", "e\u0301t\u00e9", "a_name_" * 9, "方" * 30])
def test_text_columns_are_aligned_and_at_most_80_wide(name: str) -> None:
    text = render(table_of("Foo", name, "bicubic", against="Foo"), "text")
    lines = text.splitlines()
    assert max(map(display_width, lines)) <= 80
    rows = [line for line in lines if "+-" in line and "." in line]
    ends = {display_width(row[: row.index("+-")]) for row in rows[:3]}
    assert len(rows[:3]) == 3
    assert len(ends) == 1


def test_the_table_of_one_model_is_in_one_piece() -> None:
    for name in ("my_model", "a_long_name_14", "a_longer_name_that_is_23"):
        one = scores(name, precision="f32", seconds=0.1)
        text = render(make_table([one], 2), "text")
        assert text.count("Set, x2, 7 images") == 1
        assert max(map(len, text.splitlines())) <= 80
        assert "f32" in text
