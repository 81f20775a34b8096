"""True pixels on the screen: of large results, other screens, other colours, and of A against B."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scalewise.files import Picture, read, write
from scalewise.web.schemas import JobView
from tests.web.browser import User
from tests.web.conftest import Server, Start, Visit
from tests.web.viewing import (
    Pixels,
    choose,
    drag,
    from_middle,
    inside,
    is_shown,
    middle,
    result_of,
    set_split,
    with_picture,
)

EXAMPLE = Path(__file__).parents[2] / "examples" / "pictures" / "valid" / "astronaut.png"


def test_one_pixel_of_the_result_is_one_of_a_dense_screen(
    visit: Visit, pictures: Path, tmp_path: Path
) -> None:
    ratio = 2
    window = {"viewport": {"width": 900, "height": 700}}
    user = with_picture(visit(device_scale_factor=ratio, **window), pictures, "wide.png")
    after = result_of(user, tmp_path, "wide.png")
    before = read(pictures / "wide.png").pixels
    user.page.get_by_role("button", name="1:1").click()
    user.page.locator("#zoom").get_by_text("100 %", exact=True).wait_for()
    assert user.rect()[2] == after.shape[1] / ratio
    choose(user, "Original pixels")
    enlarged = before.repeat(2, 0).repeat(2, 1)
    for percent, wanted in ((0, after), (100, enlarged)):
        set_split(user, percent)
        assert is_shown(user, wanted, ratio)


def again(user: User, name: str, *, task: str, count: int) -> None:
    """Restore an image once more, with another task; it has ``count`` results then."""
    user.page.locator("#task").select_option(task)
    row = user.row(name)
    row.get_by_role("button", name="Again").click()
    row.locator(".result[data-state=done]").nth(count - 1).wait_for()


def test_a_result_is_compared_with_another_of_the_same_upload(
    visit: Visit, pictures: Path, quick_server: Server, tmp_path: Path
) -> None:
    user = with_picture(visit(viewport={"width": 1280, "height": 900}), pictures)
    page = user.page
    first = page.locator("#save").get_attribute("href")
    page.get_by_role("button", name="1:1").click()
    page.get_by_role("button", name="Zoom in").click()
    kept = from_middle(user)
    again(user, "a.png", task="photo", count=2)
    page.wait_for_function("first => document.querySelector('#save').href !== first", arg=first)
    assert from_middle(user) == pytest.approx(kept, abs=1)  # the part that was looked at
    again(user, "a.png", task="denoise", count=3)
    page.locator("#right option").nth(2).wait_for(state="attached")

    jobs = {view["id"]: view for view in quick_server.get("v1/jobs").json()}
    upload = next(view["upload"] for view in jobs.values() if first and view["id"] in first)
    ours = [view for view in jobs.values() if view["upload"] == upload]
    pixels = {}
    for view in ours:
        (tmp_path / "any.png").write_bytes(quick_server.get(f"v1/jobs/{view['id']}/result").content)
        pixels[view["model"]] = read(tmp_path / "any.png").pixels
    ids = {view["model"]: view["id"] for view in ours}
    assert set(ids) == {"scn_x2", "photo_x2", "denoise"}

    page.locator("#right").select_option(ids["photo_x2"])
    choose(user, "Result")
    page.locator("#other").select_option(ids["scn_x2"])
    page.get_by_role("button", name="1:1").click()
    for percent, model in ((0, "photo_x2"), (100, "scn_x2")):
        set_split(user, percent)
        assert is_shown(user, pixels[model], least=3 * 80 * 60)
    tags = page.locator("#stage .tag").all_text_contents()
    assert tags == ["A: scn_x2, 160 × 128", "B: photo_x2, 160 × 128"]
    assert page.get_by_role("button", name="Hold to see A").is_visible()

    # One of another size is shown as large.
    page.locator("#other").select_option(ids["denoise"])
    set_split(user, 100)
    assert is_shown(user, pixels["denoise"].repeat(2, 0).repeat(2, 1), least=3 * 80 * 60)
    # What was on the left is chosen for the right: they change places.
    page.locator("#right").select_option(ids["denoise"])
    assert page.locator("#other").input_value() == ids["photo_x2"]
    assert page.locator("#command").text_content().endswith("--task denoise")


def as_displayed(path: Path) -> Pixels:
    """A file's pixels in sRGB with 8 bits, by libvips."""
    import pyvips

    return pyvips.Image.new_from_file(str(path)).colourspace("srgb").numpy()


@pytest.mark.parametrize("name", ["cmyk.jpg", "deep.png"], ids=["cmyk", "16-bit"])
def test_both_sides_have_the_colours_of_their_files(
    visit: Visit, quick_server: Server, tmp_path: Path, name: str
) -> None:
    from PIL import Image

    photo = Image.open(EXAMPLE).convert("RGB").resize((120, 90))
    if name == "cmyk.jpg":
        photo.convert("CMYK").save(tmp_path / name, quality=95)
    else:
        write(tmp_path / name, Picture(np.asarray(photo).astype(np.uint16) * 257))
    user = visit(viewport={"width": 1280, "height": 900})
    page = user.page
    page.locator("#task").select_option("denoise")
    user.drop(tmp_path / name)
    user.wait_for(name)
    page.get_by_role("button", name="1:1").click()
    result = tmp_path / f"result{Path(name).suffix}"
    result.write_bytes(quick_server.get(page.locator("#save").get_attribute("href")).content)
    for percent, path in ((0, result), (100, tmp_path / name)):
        set_split(user, percent)
        assert is_shown(user, as_displayed(path), least=3 * 60 * 60, tolerance=1), percent
    assert not np.array_equal(as_displayed(result), as_displayed(tmp_path / name))


def test_what_is_transparent_is_seen_as_squares(
    visit: Visit, pictures: Path, tmp_path: Path
) -> None:
    colours = read(pictures / "a.png").pixels
    alpha = np.zeros(colours.shape[:2], np.uint8)
    alpha[:, :40] = 255
    write(tmp_path / "clear.png", Picture(np.dstack([colours, alpha])))
    user = visit(viewport={"width": 1280, "height": 900})
    user.drop(tmp_path / "clear.png")
    user.wait_for("clear.png")
    user.page.get_by_role("button", name="1:1").click()
    choose(user, "Original pixels")
    for percent in (0, 100):
        set_split(user, percent)
        rows, columns = inside(user)
        seen = user.seen()[rows, columns]
        through = seen[:, 100:]
        assert {tuple(each) for each in through.reshape(-1, 3)} == {(255,) * 3, (204,) * 3}
        assert len(np.unique(seen[:, :60].reshape(-1, 3), axis=0)) > 100


def look_at_other(user: User, name: str) -> None:
    """Compare a result that another client of the server made."""
    row = user.page.locator("#others").locator(".job").filter(has_text=name)
    row.get_by_role("button", name="Compare").click()
    user.page.locator("#viewed").get_by_text(name).wait_for()
    user.loaded()


def test_a_photograph_of_12_megapixels_is_shown_in_true_pixels(
    visit: Visit, start: Start, tmp_path: Path
) -> None:
    from PIL import Image

    photo = np.asarray(Image.open(EXAMPLE).convert("RGB"))
    Image.fromarray(np.tile(photo, (3, 4, 1))[:1500, :2000]).save(tmp_path / "photo.jpg")
    server = start()
    sent = server.send(tmp_path / "photo.jpg", model="scn_fast_x2")
    job = server.done(sent.json()["id"])
    assert (job["state"], job["out_width"], job["out_height"]) == ("done", 4000, 3000)
    (tmp_path / "result.jpg").write_bytes(server.get(f"v1/jobs/{job['id']}/result").content)
    after = read(tmp_path / "result.jpg").pixels
    before = read(tmp_path / "photo.jpg").pixels.repeat(2, 0).repeat(2, 1)
    user = visit(server, viewport={"width": 1280, "height": 900})
    page = user.page
    sizes: dict[str, int] = {}

    def count(request: Any) -> None:
        if "/overview?" in request.url or "/region?" in request.url:
            sizes[request.url] = request.sizes()["responseBodySize"]

    page.on("requestfinished", count)
    look_at_other(user, "photo.jpg")
    choose(user, "Original pixels")
    page.get_by_role("button", name="1:1").click()
    x, y = middle(user)
    drag(user, (x, y + 200), (x - 137, y + 51))
    for percent, wanted in ((0, after), (100, before)):
        set_split(user, percent)
        assert is_shown(user, wanted, least=3 * 700 * 400, tolerance=1)
    # No more than the view needs, though the result is 30 MB as one PNG.
    tiles = [url for url in sizes if "/region?" in url]
    assert 4 <= len(tiles) <= 40
    assert sum(sizes.values()) < 15e6

    # At half the size, each pixel is the average of four.
    page.get_by_role("button", name="Zoom out").click()
    page.locator("#zoom").get_by_text("50 %", exact=True).wait_for()
    set_split(user, 0)
    halves = after.reshape(1500, 2, 2000, 2, 3).mean((1, 3)).round()
    assert is_shown(user, halves, least=3 * 700 * 400, tolerance=1)


def test_a_strip_of_40000_pixels_is_sharp_at_every_zoom(
    visit: Visit, start: Start, tmp_path: Path
) -> None:
    """A result that was left by an earlier server, so that nobody has to wait for it."""
    height, width = 40_000, 1000
    strip = np.empty((height, width, 3), np.uint8)
    strip[..., 0] = (np.arange(height) // 160)[:, None]
    strip[..., 1] = np.arange(width) // 4
    strip[..., 2] = (np.arange(height)[:, None] // 4 + np.arange(width)) % 251
    name = "a" * 22
    view = JobView(
        id=name, state="done", name="strip.png", width=500, height=20_000,
        out_width=width, out_height=height, model="scn_x2", result_name="strip_x2.png",
        result_bytes=1, seconds=1, format="png", created=1.0,
    )  # fmt: skip
    folder = tmp_path / "served"
    folder.mkdir(mode=0o700)
    write(folder / f"{name}.png", Picture(strip))
    (folder / f"{name}.json").write_text(view.model_dump_json())
    user = visit(start(folder=folder), viewport={"width": 1280, "height": 900})
    page = user.page
    look_at_other(user, "strip.png")
    page.get_by_role("button", name="1:1").click()
    assert is_shown(user, strip, least=3 * 700 * 400)
    # An overview of it is 51 pixels wide; 20 % of it are not made of that.
    page.get_by_role("button", name="Zoom out").click()
    page.get_by_role("button", name="Zoom out").click()
    page.locator("#zoom").get_by_text("25 %", exact=True).wait_for()
    rows_, columns_ = inside(user)
    seen = user.seen()[rows_, columns_].astype(int)
    assert len(np.unique(seen[:, :, 1])) > 200  # of 250 levels across
