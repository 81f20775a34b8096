"""The page in a real browser, as its users meet it."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

PATIENCE = 60_000
"""Milliseconds that a step may take: the machine may be busy with something else."""

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
"""A phone's window, as Playwright's options for a context."""

TRANSFER = """files => {
  const transfer = new DataTransfer();
  for (const [name, text] of files) {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  return transfer;
}"""

PASTE = """transfer => document.dispatchEvent(
  new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }))"""

PLACE = """stage => {
  const box = stage.getBoundingClientRect();
  const [left, top, width, height] = stage.dataset.place.split(" ").map(Number);
  return [box.x + left, box.y + top, width, height];
}"""


def find_chromium() -> str:
    """Return Chromium's path, preferably without the parts that show windows; else skip."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("no Chromium; on Debian: apt-get install chromium-headless-shell")
    return program


@dataclass
class User:
    """Somebody with the page open."""

    page: Any
    """Playwright's page; Any, for Playwright may be absent."""

    def reload(self) -> None:
        """Load the page again, until it takes files."""
        self.page.reload()
        self.page.locator("#limits:not(:empty)").wait_for()

    def drop(self, *files: Path | tuple[str, bytes]) -> None:
        """Drop files on the page, as from a folder's window."""
        transfer = self._transfer(files)
        self.page.dispatch_event("body", "dragover", {"dataTransfer": transfer})
        self.page.dispatch_event("body", "drop", {"dataTransfer": transfer})

    def drop_paths(self, *paths: Path) -> None:
        """Drop files and folders on the page, as they are on disk."""
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        mouse = self.page.context.new_cdp_session(self.page)
        for kind in ("dragEnter", "dragOver", "drop"):
            event = {"type": kind, "x": 150, "y": 150, "data": data}
            mouse.send("Input.dispatchDragEvent", event)

    def paste(self, *files: Path | tuple[str, bytes]) -> None:
        self.page.evaluate(PASTE, self._transfer(files))

    def _transfer(self, files: Iterable[Path | tuple[str, bytes]]) -> Any:
        named = [
            (each.name, each.read_bytes()) if isinstance(each, Path) else each for each in files
        ]
        coded = [(name, base64.b64encode(content).decode()) for name, content in named]
        return self.page.evaluate_handle(TRANSFER, coded)

    def row(self, name: str) -> Any:
        """The row of the image of a name."""
        named = self.page.get_by_role("button", name=name, exact=True)
        return self.page.locator("#jobs .job").filter(has=named)

    def wait_for(self, name: str, state: str = "done") -> Any:
        """Wait until an image is in a state; its row."""
        row = self.row(name)
        try:
            row.and_(self.page.locator(f"[data-state={state}]")).wait_for()
        except Exception as error:  # Playwright's, which may be absent
            told = self.page.locator("#alarm:visible, #jobs .job").all_inner_texts()
            raise AssertionError(f"{name} is not {state}; the page says {told}") from error
        return row

    def download(self, link: Any) -> tuple[str, bytes]:
        """Click on a link: the name and the bytes of what it saves."""
        with self.page.expect_download() as saved:
            link.click()
        return saved.value.suggested_filename, Path(saved.value.path()).read_bytes()

    def compared(self) -> list[str]:
        """The facts of the image, also while they are hidden: before, after, by, took."""
        return self.page.locator("#facts").locator("dt, dd").all_text_contents()

    def loaded(self) -> None:
        """Wait until the image is on the screen in all its pixels."""
        self.page.locator("#stage[aria-busy=false]").wait_for()

    def rect(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the image in the window, in CSS pixels."""
        self.loaded()
        return tuple(self.page.locator("#stage").evaluate(PLACE))

    def stage(self) -> dict[str, float]:
        """The box that the images are shown in."""
        return self.page.locator("#stage").bounding_box()

    def seen(self) -> NDArray[np.uint8]:
        """What is on the screen, (H, W, 3), once the images are."""
        from PIL import Image

        self.loaded()
        return np.asarray(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB"))
