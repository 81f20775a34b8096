"""The house: every package imports only what lies below it."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "scalewise"

FRONT_DOOR = "scalewise"
LONGEST = 400  # lines of a file
BELOW: dict[str, set[str]] = {
    "errors": set(),
    "arguments": {"errors"},
    "atomic": {"errors", "arguments"},
    "locks": set(),
    "lazy": set(),
    "openvino_import": set(),
    "short_repr": set(),
    "plugins": {"errors"},
    "imaging": {"errors", "arguments", "plugins"},
    "strengths": {"errors", "arguments"},
    "visibility": {"imaging"},
    "tasks": {"errors", "arguments", "plugins", "imaging", "strengths", "visibility"},
    "files": {"errors", "arguments", "atomic"},
    "models": {"errors", "arguments", "atomic", "lazy", "plugins", "imaging"},
    "weights": {
        "errors",
        "arguments",
        "atomic",
        "lazy",
        "openvino_import",
        "imaging",
        "tasks",
        "files",
        "models",
    },
    "data": {"errors", "arguments", "atomic", "lazy", "imaging", "visibility", "tasks", "files"},
    "restoring": {
        "errors",
        "arguments",
        "lazy",
        "openvino_import",
        "short_repr",
        "imaging",
        "tasks",
        "files",
        "models",
        "weights",
    },
    "evaluating": {
        "errors",
        "arguments",
        "atomic",
        "imaging",
        "tasks",
        "files",
        "models",
        "weights",
        "data",
        "restoring",
    },
}
BELOW["converting"] = {"errors", "arguments", "atomic", "lazy", "openvino_import"}
BELOW["converting"] |= {"models", "weights"}
BELOW["training"] = {*BELOW, "evaluating"} - {"converting"}
BELOW[FRONT_DOOR] = {*BELOW} - {"training"}
BELOW["experiments"] = {*BELOW} - {FRONT_DOOR}
BELOW["cluster"] = {"errors", "lazy", "files", "restoring"}
BELOW["web"] = {*BELOW}
BELOW["cli"] = {*BELOW}
"""Package -> what it may import; the front door is ``scalewise/__init__.py``."""


def imported_modules(tree: ast.AST) -> set[str]:
    """The modules that absolute imports name, anywhere in a module."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module)
    return names


def imported_names(source: str, module: tuple[str, ...]) -> set[str]:
    """The names, with their modules, that a module imports from scalewise, anywhere in it.

    Imports for types alone count.

    Args:
        source: the module's text.
        module: its path below ``scalewise``; of a package, with ``__init__`` last.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            here = (FRONT_DOOR, *module)[: -node.level] if node.level else ()
            base = ".".join((*here, *filter(None, [node.module])))
            names = [f"{base}.{alias.name}" for alias in node.names]
        found.update(name for name in names if name.split(".")[0] == FRONT_DOOR)
    return found


def imported_packages(source: str, module: tuple[str, ...]) -> set[str]:
    """The packages that a module imports; arguments as for ``imported_names``."""
    parts = (name.split(".") for name in imported_names(source, module))
    return {each[1] if each[1:] and each[1] in BELOW else FRONT_DOOR for each in parts}


@pytest.mark.parametrize(
    ("source", "packages"),
    [
        ("import numpy, scalewise.data.store as store", {"data"}),
        ("from scalewise.imaging import resize", {"imaging"}),
        ("from scalewise import files, upscale", {"files", FRONT_DOOR}),
        ("def f():\n    import scalewise", {FRONT_DOOR}),
        ("from . import registry\nfrom .base import X", {"models"}),
        ("from ..imaging.resize import imresize\nfrom .. import web", {"imaging", "web"}),
        ("import scalewise_other", set[str]()),
    ],
)
def test_imports_are_recognised(source: str, packages: set[str]) -> None:
    assert imported_packages(source, ("models", "scn")) == packages


def imports_of_the_house() -> dict[Path, tuple[str, set[str]]]:
    """Every module's path below the house, with its package and the other packages it imports."""
    found: dict[Path, tuple[str, set[str]]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        below = path.relative_to(SOURCE)
        module = below.with_suffix("").parts
        package = {"__init__": FRONT_DOOR, "__main__": "cli"}.get(module[0], module[0])
        imported = imported_packages(path.read_text(encoding="utf-8"), module)
        found[below] = package, imported - {package}
    return found


def test_imports_point_downwards() -> None:
    upward: list[str] = []
    for path, (package, imported) in imports_of_the_house().items():
        assert package in BELOW, f"{package} has no place in the house yet; give it one here"
        upward += [f"{path} imports {name}" for name in imported - BELOW[package]]
    assert upward == []


def test_files_do_not_import_each_other() -> None:
    paths = {path.relative_to(SOURCE).with_suffix("").parts: path for path in SOURCE.rglob("*.py")}
    files = {".".join((FRONT_DOOR, *x)).removesuffix(".__init__"): x for x in paths}
    below: dict[str, set[str]] = {}
    for file, module in files.items():
        names = imported_names(paths[module].read_text(encoding="utf-8"), module)
        imported = {name if name in files else name.rpartition(".")[0] for name in names}
        below[file] = imported - {file}
    TopologicalSorter(below).prepare()  # raises CycleError


def test_openvino_is_imported_in_one_place() -> None:
    """Any other import brings its conversion tools, which report to their maker."""
    importing = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        for name in imported_modules(ast.parse(path.read_text(encoding="utf-8")))
        if name.split(".")[0] == "openvino"
    }
    assert importing == {"openvino_import.py"}


def test_what_is_ours_has_one_name() -> None:
    """An ``import ... as`` gives a second name to what should have a better one."""
    renaming: list[str] = []
    for folder in (SOURCE, SOURCE.parents[1] / "tests"):
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom):
                    is_ours = bool(node.level) or (node.module or "").split(".")[0] == FRONT_DOOR
                elif isinstance(node, ast.Import):
                    is_ours = any(each.name.split(".")[0] == FRONT_DOOR for each in node.names)
                else:
                    continue
                if is_ours and any(each.asname for each in node.names):
                    renaming.append(f"{path}:{node.lineno}")
    assert renaming == []


def test_no_file_is_long() -> None:
    """A file that has grown past the limit has two jobs: split it."""
    root = SOURCE.parents[1]
    lengths = {
        path.relative_to(root).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("src", "tests")
        for path in (root / folder).rglob("*.py")
    }
    assert len(lengths) > 300
    assert {name: count for name, count in lengths.items() if count > LONGEST} == {}
