"""Paths as arguments of the public functions: text is taken, other types are refused."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import scalewise
from scalewise.converting import convert
from scalewise.data import (
    Store,
    find_dataset,
    pair_folders,
)
from scalewise.experiments import find_data, load_results
from scalewise.files import find_images, format_of, open_picture
from scalewise.models import export_int8, export_onnx
from scalewise.restoring import (
    plan_jobs,
)
from scalewise.training import (
    find_runs,
    load_curves,
    load_recipe,
    quantize_release,
    read_log,
    release_run,
    run_sweep,
    save_recipe,
)
from scalewise.weights import read_card
from tests.wrong_calls import call, refused


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a file that is in the way."""
    monkeypatch.chdir(tmp_path)
    Path("there.png").write_bytes(b"mine")


def test_paths_may_be_text(tmp_path: Path) -> None:
    for name in ("hr/a.png", "lr/a.png"):
        (tmp_path / name).parent.mkdir()
        Image.new("RGB", (40, 20) if name[0] == "h" else (20, 10)).save(tmp_path / name)
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "recipe.yaml").touch()
    assert find_runs(f"{tmp_path}/runs") == [tmp_path / "runs" / "a"]
    (job,) = plan_jobs(["hr"], "out/", "")
    assert (job.source, job.target) == (Path("hr/a.png"), Path("out/a.png"))
    (item,) = pair_folders("hr", ["lr"]).items
    assert item.lr == {2: Path("lr/a.png")}


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Give the functions of all packages that are public, methods and constructors included."""
    for package in pkgutil.iter_modules(scalewise.__path__, "scalewise."):
        module = importlib.import_module(package.name)
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if not inspect.isclass(thing):
                yield f"{package.name}.{name}", thing
                continue
            skipped = "__init__" if is_dataclass(thing) else ""  # which only stores its fields
            for method, function in vars(thing).items():
                is_public = method == "__init__" or not method.startswith("_")
                if inspect.isfunction(function) and is_public and method != skipped:
                    yield f"{package.name}.{name}.{method}", function


def test_public_functions_take_paths_as_text() -> None:
    wrong = [
        f"{name}({parameter.name})"
        for name, function in public_functions()
        if inspect.isfunction(function)
        for parameter in inspect.signature(function).parameters.values()
        if re.search(r"(?<!str \| )\bPath\b(?! \| (str|Release))", str(parameter.annotation))
    ]
    assert wrong == sorted(OF_PATHS)


OF_PATHS: list[str] = [
    "scalewise.files.PictureReader.__init__(path)",
    "scalewise.files.find_images(others)",
    "scalewise.restoring.Selection.holds(within)",
    "scalewise.restoring.Selection.matches(within)",
    "scalewise.restoring.Selection.wants(within)",
]
"""Parameters that take a Path alone, because only this package gives them."""


@pytest.mark.parametrize(
    ("calling", "argument"),
    [
        (lambda path: export_onnx(None, path), "path"),
        (lambda path: export_int8(None, path, []), "path"),
        (lambda path: convert("scn_x2", path), "output"),
        (lambda path: convert(path, "a.onnx"), "source"),
        (lambda path: save_recipe(None, path), "path"),
        (load_recipe, "path"),
        (read_log, "run"),
        (lambda path: load_curves([path]), "runs"),
        (lambda path: release_run(path, "a", summary="A.", licence=""), "run"),
        (quantize_release, "folder"),
        (lambda path: run_sweep(path, "a", None), "path"),
        (find_data, "folder"),
        (load_results, "folder"),
        (read_card, "folder"),
        (format_of, "path"),
        (open_picture, "path"),
        (find_images, "path"),
        (find_dataset, "root"),
        (Store, "path"),
    ],
)
@pytest.mark.parametrize("path", [None, 5, ""])
def test_what_is_not_a_path(calling: Callable[[Any], Any], argument: str, path: Any) -> None:
    assert refused(call(lambda: calling(path))).arguments == (argument,)


@pytest.mark.parametrize(
    "calling",
    [
        load_recipe,
        lambda path: load_curves([path]),
        lambda path: release_run(path, "a", summary="A.", licence=""),
        quantize_release,
        lambda path: run_sweep(path, "a", None),
        find_data,
        load_results,
        read_card,
        format_of,
        find_dataset,
    ],
)
def test_a_path_of_nothing_as_text(calling: Callable[[Any], Any]) -> None:
    assert "nothing" in str(refused(call(lambda: calling("nothing"))))
