"""Plain English in code, documentation and messages, as CONTRIBUTING asks for it."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Callable, Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "scalewise"

ARCHAIC = re.compile(
    r"""\b(
        lest | befall(s|en)? | befell | ail(s|ed|ing)? | anew | what\ it\ was\ at | in\ the\ mean
      | (go|goes|going|gone|went)\ on\ with | wish(es|ed)? | told\ of
      | spoil(s|ed|t|ing)? | los(e|es|ing)\ their\ faults
    )\b
    # "is no file" is "is not a file"; "there is no file" and "is no longer" are current English.
    | (?<!there\ )\b(is|are|was|were|be)\ no\ (?!longer\b|more\b|less\b|such\b|\w+er\b)[a-z]""",
    re.VERBOSE | re.IGNORECASE,
)
"""Words that a reader whose second language is English has to look up, or reads twice."""

QUESTION_WORDS = {"how", "what", "when", "where", "whether", "which", "who", "whose", "why"}
"""A docstring that begins with one of these poses a riddle; it should name the thing."""

NOT_A_NOUN = {"as", "for", "here", "if", "in", "it", "so", "that", "there", "these", "this", "to"}
"""Nor does a noun phrase begin with one of these."""

WORDS = 25
"""The most words of a docstring's first sentence."""

TEXTS = sorted(
    path
    for path in (
        *SOURCE.rglob("*.py"),
        *(SOURCE / "web" / "page").glob("*.*"),
        *(SOURCE / "weights").rglob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "recipes").rglob("*.*"),
        *(ROOT / "examples").glob("*.*"),
        *(ROOT / "benchmarks").glob("*.py"),
        *(ROOT / "tests").rglob("*.py"),
        *ROOT.glob("*.md"),
        ROOT / "Makefile",
        ROOT / "pyproject.toml",
    )
    if path.suffix in {"", ".py", ".js", ".css", ".html", ".md", ".toml", ".yaml"}
    and path != Path(__file__)
)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def complaints(paths: Iterable[Path], find: Callable[[Path], object]) -> dict[str, object]:
    """Return what is found in each of the files, by their names; those without are left out.

    One test looks at all files: a test of its own for each would take longer to start than to run.
    """
    return {named(path): found for path in paths if (found := find(path))}


MODULES = [path for path in TEXTS if path.suffix == ".py"]
OURS = [path for path in MODULES if SOURCE in path.parents]


def without_quotations(text: str) -> str:
    """A text without what has words of its own: links, and the names of tests."""
    return re.sub(r"https?://\S+|\btest_\w+", "", text)


def archaic(line: str) -> bool:
    return ARCHAIC.search(without_quotations(line)) is not None


def first_sentence(docstring: str) -> str:
    paragraph = " ".join(docstring.partition("\n\n")[0].split())
    return re.split(r"(?<=[.:?!]) (?=[A-Z])", paragraph)[0]


@pytest.mark.parametrize(
    "sentence",
    [
        "Wait, lest it fails.",
        "Go on with a run.",
        "What ails a picture.",
        "Drawn anew.",
        "The user is told of it.",
        "options = wishes.options",
        "This is no file.",
        "Both are no images.",
    ],
)
def test_archaic_words_are_found(sentence: str) -> None:
    assert archaic(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "The mean in the meantime: availability, details, a retold story.",
        "There is no file, it is no longer there, and its size is no smaller.",
        "See `test_a_file_that_spoils_no_other` and https://example.org/anew.",
    ],
)
def test_current_words_are_left_alone(sentence: str) -> None:
    assert not archaic(sentence)


def test_no_archaic_words() -> None:
    def find(path: Path) -> list[str]:
        lines = enumerate(text_of(path).splitlines(), 1)
        return [f"{at}: {line.strip()}" for at, line in lines if archaic(line)]

    assert complaints(TEXTS, find) == {}


def test_the_web_interface_says_image() -> None:
    pages = [path for path in TEXTS if SOURCE / "web" in path.parents]
    assert len(pages) > 50
    assert complaints(pages, lambda path: re.findall(r"(?i)\bpictures?\b", text_of(path))) == {}


def test_a_module_begins_with_a_short_noun_phrase() -> None:
    def find(path: Path) -> str:
        docstring = ast.get_docstring(tree_of(path))
        if docstring is None:
            return "" if path.name in {"__init__.py", "conftest.py"} else "no docstring"
        summary = docstring.partition("\n\n")[0]
        is_noun = summary.split()[0].lower() not in QUESTION_WORDS | NOT_A_NOUN
        is_short = len(first_sentence(docstring).split()) <= WORDS
        return "" if is_noun and is_short and summary.endswith((".", ":")) else summary

    assert len(MODULES) > 400
    assert complaints(MODULES, find) == {}


def constants(tree: ast.Module) -> dict[str, str]:
    """The docstrings of constants: strings after assignments, in the module and its classes."""
    found: dict[str, str] = {}
    bodies = [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
    for first, second in (pair for body in bodies for pair in pairwise(body)):
        if isinstance(first, ast.Assign | ast.AnnAssign) and isinstance(second, ast.Expr):
            text = second.value
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                target = first.targets[0] if isinstance(first, ast.Assign) else first.target
                found[ast.unparse(target)] = inspect.cleandoc(text.value)
    return found


def poses_a_riddle(docstring: str) -> bool:
    words = first_sentence(docstring).split()
    return words[0].lower() in QUESTION_WORDS | NOT_A_NOUN or len(words) > WORDS


@pytest.mark.parametrize(
    ("docstring", "is_found"),
    [("What it takes.", True), ("word " * 26, True), ("The most tiles at once.", False)],
)
def test_constants_are_held_to_it_too(docstring: str, is_found: bool) -> None:
    source = f'"""A module."""\nA, B = 1, 2\n"""{docstring}"""\n'
    (text,) = constants(ast.parse(source)).values()
    assert poses_a_riddle(text) == is_found


def test_a_constants_docstring_is_a_short_noun_phrase() -> None:
    def find(path: Path) -> dict[str, str]:
        texts = constants(tree_of(path))
        return {name: text for name, text in texts.items() if poses_a_riddle(text)}

    assert complaints(MODULES, find) == {}


def test_no_docstring_poses_a_riddle() -> None:
    """Ruff's D401 wants the imperative of functions; this is for properties and classes too."""

    def find(path: Path) -> list[str]:
        found: list[str] = []
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            docstring = ast.get_docstring(node) or ""
            if docstring and poses_a_riddle(docstring):
                found.append(f"{node.name}: {first_sentence(docstring)}")
        return found

    assert len(OURS) > 200
    assert complaints(OURS, find) == {}


def test_ruff_wants_the_imperative_of_every_function() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lint = settings["tool"]["ruff"]["lint"]
    assert "D401" in lint["select"]
    assert [part for part, rules in lint["per-file-ignores"].items() if "D401" in rules] == [
        "tests/**"
    ]
