"""Draw page-light.png and page-dark.png, the images of the page in the README.

    .venv/bin/python docs/pictures/page.py

It needs Chromium (Debian: ``apt-get install chromium``) and the ``test`` extra.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples" / "pictures"
WINDOW = {"width": 1280, "height": 880}
PATIENCE = 300_000
COLOURS = 256


def write_small_jpegs(folder: Path) -> list[Path]:
    """Return the example photographs at half their size, as uploads."""
    written: list[Path] = []
    for source in ("train/chelsea.png", "valid/astronaut.png"):
        with Image.open(EXAMPLES / source) as picture:
            written.append(folder / f"{Path(source).stem}.jpg")
            picture.convert("RGB").reduce(2).save(written[-1], quality=60)
    return written


def draw(page: Any, pictures: list[Path]) -> Image.Image:
    """Restore images on the open page; what it looks like then."""
    page.locator("#files").set_input_files(pictures)
    for picture in pictures:
        row = page.locator(".job[data-state=done]")
        row.filter(has=page.get_by_role("button", name=picture.name, exact=True)).wait_for()
    page.get_by_role("button", name=f"Compare: {pictures[-1].name}").click()
    page.get_by_role("button", name="Zoom in").click()
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.locator("#stage[aria-busy=false]").wait_for()
    drawn = Image.open(BytesIO(page.screenshot())).convert("RGB")
    for picture in pictures:  # the next page would list their results
        page.get_by_role("button", name=f"Remove: {picture.name}").click()
    page.locator(".job").first.wait_for(state="detached")
    return drawn


def main() -> None:
    """Serve, restore and draw in both themes."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    serve = [sys.executable, "-c", "from scalewise.cli.app import main; main()", "serve"]
    with TemporaryDirectory() as folder, sync_playwright() as driver:
        pictures = write_small_jpegs(Path(folder))
        options = ["--port", "0", "--no-open", "--folder", f"{folder}/served"]
        server = subprocess.Popen([*serve, *options], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
            browser = driver.chromium.launch(executable_path=program, args=arguments)
            for theme in ("light", "dark"):
                page = browser.new_page(viewport=WINDOW, color_scheme=theme)
                page.set_default_timeout(PATIENCE)
                page.goto(address)
                drawn = draw(page, pictures).quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG)
                drawn.save(HERE / f"page-{theme}.png", optimize=True)
            browser.close()
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
