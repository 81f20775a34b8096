"""The page's settings: what is chosen, checked, sent and remembered."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.web.browser import User
from tests.web.conftest import Visit


def set_up(user: User, **fields: str) -> None:
    for field, text in fields.items():
        control = user.page.locator(f"#{field}")
        if control.evaluate("e => e.tagName") == "SELECT":
            control.select_option(text)
        else:
            control.fill(text)


WRONG = [
    ("width", "", "Enter a width in pixels"),
    ("width", "12.5", "Enter a width in pixels"),
    ("width", "0", "Enter a width in pixels"),
    ("quality", "101", "from 1 to 100"),
    ("names", "same", "{name}"),
    ("names", "{name}", "own name"),
    ("names", "{name}/x", "cannot contain /"),
    ("names", "{name}_{model}", "{model} is not known"),
]
"""Field, a wrong value of it, and what is said."""


def test_a_wrong_value_is_told_at_its_field_and_not_sent(visit: Visit, pictures: Path) -> None:
    user = visit()
    content = (pictures / "a.png").read_bytes()
    for number, (field, text, told) in enumerate(WRONG):
        set_up(user, **({"size": "width"} if field == "width" else {}), **{field: text})
        control = user.page.locator(f"#{field}")
        assert control.get_attribute("aria-invalid") == "true", text
        problem = control.get_attribute("aria-describedby").split()[0]
        assert told in user.page.locator(f"#{problem}").inner_text()
        control.blur()
        user.drop((f"{number}.png", content))
        user.page.locator(f"#{field}:focus").wait_for()
        assert user.page.locator("#alarm").is_visible()
        user.wait_for(f"{number}.png", "ready")  # it is sent, but not started

        set_up(user, **{field: "100" if field != "names" else "{name}_big"})
        assert control.get_attribute("aria-invalid") is None, text
        assert user.page.locator(f"#{problem}").inner_text() == ""


def test_the_example_of_a_name_is_what_is_saved(visit: Visit) -> None:
    user = visit()
    shown = user.page.locator("#names-shown")
    for fields, name in [
        ({"names": ""}, "photo_x2.jpg"),
        ({"names": "{name}.new"}, "photo.new.jpg"),
        ({"names": "{name}.png"}, "photo.png"),
        ({"format": "webp"}, "photo.webp"),
        ({"names": "{name}"}, "photo.webp"),
    ]:
        set_up(user, **fields)
        assert shown.inner_text() == f"For example: photo.jpg becomes {name}"


def test_settings_and_theme_survive_a_reload(visit: Visit) -> None:
    user = visit(color_scheme="light")
    set_up(user, size="width", width="1234", strength="40", names="{name} (large)", theme="dark")
    user.reload()
    values = {name: user.page.locator(f"#{name}").input_value() for name in ("size", "width")}
    assert values == {"size": "width", "width": "1234"}
    assert user.page.locator("#strength-shown").inner_text() == "40 %"
    assert user.page.locator("#names").input_value() == "{name} (large)"
    assert user.page.locator("#theme").input_value() == "dark"


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_theme_that_is_chosen_wins(visit: Visit, system: str) -> None:
    user = visit(color_scheme=system)

    def brightness() -> float:
        shot = Image.open(io.BytesIO(user.page.screenshot(animations="disabled"))).convert("L")
        return float(np.median(np.asarray(shot)))

    for theme, least, most in [("dark", 0, 60), ("light", 200, 255)]:
        set_up(user, theme=theme)
        assert least <= brightness() <= most
        user.reload()
        assert least <= brightness() <= most
    set_up(user, theme="auto")
    assert (brightness() > 128) == (system == "light")


def test_a_choice_that_this_server_does_not_have_is_its_default(visit: Visit) -> None:
    user = visit()
    user.page.evaluate(
        'localStorage.setItem(\'scalewise-settings\', \'{"task": "x", "format": "y"}\')'
    )
    user.reload()
    first = user.page.locator("#task option").first.get_attribute("value")
    assert user.page.locator("#task").input_value() == first
    assert user.page.locator("#format").input_value() == ""
