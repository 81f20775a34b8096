"""Exceptions: one tree in one file, documented, with arguments that survive a process boundary."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import scalewise
from scalewise import errors
from scalewise.errors import ScalewiseError

SOURCE = Path(scalewise.__file__).parent
ENDINGS = ("Error", "Exception", "Warning", "BaseException", *errors.__all__)

INTERNAL = {
    "files/bmp.py: BmpError",
    "web/interactive.py: ClientLeft",
    "web/limits.py: ServerBusy",
    "web/problems.py: HttpProblem",
}
"""Never leave their package: they become a ScalewiseError there, or an HTTP answer."""

COMMANDS = ("cli", "web")
"""Packages whose messages may name flags: the command line itself, and ``scalewise serve``."""


def test_every_public_exception_is_in_the_one_file() -> None:
    elsewhere: list[str] = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
                if any(base.endswith(ENDINGS) for base in bases) and path.name != "errors.py":
                    elsewhere.append(f"{path.relative_to(SOURCE)}: {node.name}")
    assert set(elsewhere) == INTERNAL


def test_the_tree_is_documented() -> None:
    table = (SOURCE.parents[1] / "docs/api.md").read_text(encoding="utf-8")
    for name in errors.__all__:
        assert f"| `{name}`" in table, name
        assert name in str(errors.__doc__), name


def test_no_message_of_the_library_has_flags() -> None:
    """Arguments instead: there are other callers than the command line."""
    found: list[str] = []
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).parts[0] in COMMANDS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise):
                words = ast.unparse(node).split()
                flags = [word for word in words if word.strip("'\"(;,").startswith("--")]
                found += [f"{path.relative_to(SOURCE)}: {flag}" for flag in flags]
    assert found == []


def test_arguments_survive_a_process_boundary() -> None:
    error = ScalewiseError("scale=9 is too much", arguments=["scale"])
    copy = pickle.loads(pickle.dumps(error))
    assert copy.with_flags({"scale": "--scale"}) == "--scale 9 is too much"
