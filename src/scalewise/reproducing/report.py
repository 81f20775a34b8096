"""The report of a reproduction: one HTML page that needs nothing else, and the same in Markdown."""

from __future__ import annotations

from pathlib import Path

from scalewise.atomic import write_atomic
from scalewise.reproducing.document import Document
from scalewise.reproducing.html import to_html
from scalewise.reproducing.markdown import named_files, picture_files, to_markdown
from scalewise.reproducing.reading import FORMS
from scalewise.reproducing.results import Results
from scalewise.reproducing.sections.ablation import ablation, comparators
from scalewise.reproducing.sections.cleaning import cleaning_parts
from scalewise.reproducing.sections.complexity import complexity
from scalewise.reproducing.sections.forms import forms
from scalewise.reproducing.sections.learning import learning
from scalewise.reproducing.sections.opening import opening
from scalewise.reproducing.sections.origin import origin
from scalewise.reproducing.sections.pictures import samples, single
from scalewise.reproducing.sections.scales import scales
from scalewise.reproducing.sections.scores import scores

HTML_FILE, MARKDOWN_FILE = "report.html", "report.md"
PICTURES = "report"
"""The folder of the Markdown report's pictures, beside it."""

TITLE = "Original against Adaptive: a reproduction"
LEAD = (
    "Two scale-wise convolutional networks for x2 super-resolution, trained and measured side by "
    "side, after M. Pratap, “Scale-wise Convolution for image restoration” (Purdue); in this "
    "report, the document."
)

SECTIONS = (
    opening,
    learning,
    scores,
    samples,
    single,
    complexity,
    scales,
    ablation,
    comparators,
    cleaning_parts,
    origin,
)


def make_document(results: Results, also: Results | None = None) -> Document:
    """All that the report says, whatever it is written as.

    Args:
        results: what it is of.
        also: a reproduction in the other form, to be shown beside it.
    """
    sections = [section(results) for section in SECTIONS]
    if also is not None:
        sections.insert(SECTIONS.index(scores) + 1, forms(results, also))
    return Document(TITLE, f"{LEAD} Trained in {FORMS[results.plan.form]}.", sections)


def write_report(results: Results, also: Results | None = None) -> tuple[Path, Path]:
    """Write the report into the results' folder, each file whole or not at all.

    Pictures of the report that was there before are gone, where this one has none of that name.

    Args:
        results, also: as for :func:`make_document`.

    Returns:
        ``report.html``, which holds its pictures; and ``report.md``, whose pictures are in the
        folder ``report`` beside it.
    """
    document = make_document(results, also)
    html, markdown = results.folder / HTML_FILE, results.folder / MARKDOWN_FILE
    folder = results.folder / PICTURES
    files = picture_files(document)
    stale = _pictures_of(markdown) - files.keys()
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        write_atomic(folder / name, content)
    write_atomic(markdown, to_markdown(document, PICTURES).encode())
    write_atomic(html, to_html(document).encode())
    for name in stale:
        (folder / name).unlink(missing_ok=True)
    return html, markdown


def _pictures_of(markdown: Path) -> set[str]:
    """The pictures that an earlier report refers to: whatever else lies beside them stays."""
    if not markdown.is_file():
        return set()
    return named_files(markdown.read_text(encoding="utf-8", errors="replace"), PICTURES)
