"""The page's list: what is removed, what is said in its rows, and what waits."""

from __future__ import annotations

from pathlib import Path

from tests.web.browser import PHONE
from tests.web.conftest import Server, Visit

UNDO_SECONDS = 10


def test_a_removal_can_be_undone_before_anything_is_deleted(
    visit: Visit, server: Server, pictures: Path
) -> None:
    user = visit(**PHONE)
    page = user.page
    user.drop(pictures / "a.png")
    user.wait_for("a.png")
    (job,) = server.get("v1/jobs").json()
    result = f"v1/jobs/{job['id']}/result"
    page.clock.install()
    remove = page.get_by_role("button", name="Remove: a.png")
    box = remove.bounding_box()
    assert min(box["width"], box["height"]) >= 44
    remove.click()
    row = user.wait_for("a.png", "removed")
    assert "deleted in 10 s" in row.inner_text()
    undo = row.get_by_role("button", name="Undo")
    assert undo.evaluate("e => e === document.activeElement")
    assert page.locator("#viewer").is_hidden()
    undo.click()
    user.wait_for("a.png").get_by_role("link", name="Download").wait_for()
    page.clock.fast_forward(1000 * (UNDO_SECONDS + 1))
    assert server.get(result).status_code == 200

    # A page that is left before deletes nothing.
    remove.click()
    user.wait_for("a.png", "removed")
    user.reload()
    user.wait_for("a.png").get_by_role("link", name="Download").wait_for()

    other = visit().page  # another browser
    other.clock.install()
    other.locator("#other-jobs").get_by_role("button", name="Remove: a.png").click()
    other.locator("#other-jobs").get_by_role("button", name="Undo").wait_for()
    assert server.get(result).status_code == 200
    with other.expect_response(lambda answer: answer.request.method == "DELETE"):
        other.clock.fast_forward(1000 * (UNDO_SECONDS + 1))
    assert server.get(result).status_code == 404
    other.locator("#others").wait_for(state="hidden")
    user.wait_for("a.png", "expired")
