"""Report of a reproduction, as one self-contained HTML page and as Markdown.

:mod:`scalewise.experiments.sections` makes the data of each section.  ``templates/sections`` words
them, once for both formats, in the blocks of ``blocks.html.j2`` or ``blocks.md.j2``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from scalewise.arguments import counted
from scalewise.atomic import write_atomic
from scalewise.experiments import conditions, formatting, queries
from scalewise.experiments.comparison_section import Variables, other_variant
from scalewise.experiments.plots import ReportImage
from scalewise.experiments.results import Results
from scalewise.experiments.sections import SECTIONS
from scalewise.training.log import best_psnr_y

PACKAGE = "scalewise.experiments"
HTML_FILE, MARKDOWN_FILE = "report.html", "report.md"
FOLDER = "report"
"""Folder of the Markdown report's images, next to it."""

FILTERS = (
    "anchor data_url decibels difference duration flow listed loss markdown significant "
    "span spanned thousands"
)


@dataclass(frozen=True)
class Report:
    """A report before it is HTML or Markdown: the data of its sections, in order."""

    results: Results
    sections: dict[str, Variables]


def make_report(results: Results, also: Results | None = None) -> Report:
    """Make the data of all sections, plots included.

    Args:
        results: of the reproduction.
        also: of a reproduction in the other form, for comparison.
    """
    results = replace(results, also=also)
    sections: dict[str, Variables] = {}
    for name, section in SECTIONS.items():
        sections[name] = section(results)
        if name == "scores" and also is not None:
            sections["other_variant"] = other_variant(results, also)
    return Report(results, sections)


def to_html(report: Report) -> str:
    """Return a report as one HTML page that needs no other file and no network."""
    return _render(report, "html")


def to_markdown(report: Report) -> str:
    """Return a report as Markdown, with its images in the folder ``report``."""
    return re.sub(r"\n{3,}", "\n\n", _render(report, "md")).strip() + "\n"


def write_report(results: Results, also: Results | None = None) -> tuple[Path, Path]:
    """Write the report into the results' folder; images of an earlier report are removed.

    Args:
        results: of the reproduction.
        also: of a reproduction in the other form, for comparison.

    Returns:
        ``report.html``, which contains its images; and ``report.md``, whose images are in the
        folder ``report`` next to it.
    """
    report = make_report(results, also)
    html, markdown = results.folder / HTML_FILE, results.folder / MARKDOWN_FILE
    folder = results.folder / FOLDER
    image_files: dict[str, bytes] = {}
    for image in _images(report.sections):
        image_files[image.file] = image.light
        if image.dark is not None:
            image_files[image.dark_file] = image.dark
    earlier = markdown.read_text(encoding="utf-8", errors="replace") if markdown.is_file() else ""
    folder.mkdir(exist_ok=True)
    for name, content in image_files.items():
        write_atomic(folder / name, content)
    for path, text in ((markdown, to_markdown(report)), (html, to_html(report))):
        # The name of an image or a folder need not be valid text.
        write_atomic(path, text.encode(errors="backslashreplace"))
    for name in named_images(earlier) - image_files.keys():
        (folder / name).unlink(missing_ok=True)
    return html, markdown


def named_images(markdown: str) -> set[str]:
    """Return the image files in the folder ``report`` that a Markdown report refers to.

    >>> named_images('<img alt="" src="report/a.svg"> <img alt="" src="mine/b.svg">')
    {'a.svg'}
    """
    return set(re.findall(rf'(?:src|srcset)="{re.escape(FOLDER)}/([^"/]+)"', markdown))


def _render(report: Report, kind: Literal["html", "md"]) -> str:
    environment = _environment()
    variables: Variables = {
        "blocks": f"blocks.{kind}.j2",
        "plan": report.results.plan,
        "results": report.results,
    }
    sections = [
        environment.get_template(f"sections/{name}.j2").make_module({**variables, **data})
        for name, data in report.sections.items()
    ]
    return environment.get_template(f"report.{kind}.j2").render(variables, sections=sections)


@cache
def _environment() -> Environment:
    """Return what all reports share: templates, each compiled once, filters and constants."""
    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Any] = environment.filters  # pyright: ignore
    constants: dict[str, Any] = environment.globals  # pyright: ignore
    filters |= {name: getattr(formatting, name) for name in FILTERS.split()}
    filters |= {"best_psnr_y": best_psnr_y, "counted": counted}
    filters |= {name: getattr(conditions, name) for name in ("batches", "epoch_length", "untimed")}
    constants |= {
        "folder": FOLDER,
        "forms": queries.FORMS,
        "style": Markup((files(PACKAGE) / "templates" / "style.css").read_text(encoding="utf-8")),
    }
    return environment


def _images(data: object) -> Iterator[ReportImage]:
    """Find all images in a section's data."""
    if isinstance(data, ReportImage):
        yield data
    elif isinstance(data, dict):
        yield from _images([*cast("dict[str, object]", data).values()])
    elif isinstance(data, list | tuple):
        for each in cast("list[object]", data):
            yield from _images(each)
