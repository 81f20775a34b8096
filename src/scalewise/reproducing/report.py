"""The report of a reproduction: one HTML page that needs nothing else, and the same in Markdown."""

from __future__ import annotations

from pathlib import Path

from scalewise.reproducing.document import Document
from scalewise.reproducing.html import to_html
from scalewise.reproducing.markdown import picture_files, to_markdown
from scalewise.reproducing.results import Results
from scalewise.reproducing.sections.ablation import ablation, comparators
from scalewise.reproducing.sections.complexity import complexity
from scalewise.reproducing.sections.learning import learning
from scalewise.reproducing.sections.opening import opening
from scalewise.reproducing.sections.origin import origin
from scalewise.reproducing.sections.pictures import samples, single
from scalewise.reproducing.sections.scales import scales
from scalewise.reproducing.sections.scores import scores
from scalewise.whole import write_whole

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
    origin,
)


def make_document(results: Results) -> Document:
    """All that the report says, whatever it is written as."""
    return Document(TITLE, LEAD, [section(results) for section in SECTIONS])


def write_report(results: Results) -> tuple[Path, Path]:
    """Write the report into the results' folder, each file whole or not at all.

    Returns:
        ``report.html``, which holds its pictures; and ``report.md``, whose pictures are in the
        folder ``report`` beside it.
    """
    document = make_document(results)
    html, markdown = results.folder / HTML_FILE, results.folder / MARKDOWN_FILE
    folder = results.folder / PICTURES
    folder.mkdir(exist_ok=True)
    for name, content in picture_files(document).items():
        write_whole(folder / name, content)
    write_whole(markdown, to_markdown(document, PICTURES).encode())
    write_whole(html, to_html(document).encode())
    return html, markdown
