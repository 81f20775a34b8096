"""Requests of forms, and the command lines that do the same."""

from __future__ import annotations

import pytest

from tests.web import conftest  # noqa: F401  # skips without the web extra

CLEAN = "scalewise upscale a.jpg -m scn_x2"
NAMES = ["a b.jpg", "it's.png", "-x.png", "ü.heic", ".png", "no suffix", "*.TIF", "$(reboot).png"]


@pytest.mark.parametrize(
    ("fields", "command", "result"),
    [
        ({}, "scalewise upscale a.jpg", "a_x2.jpg"),
        (
            {"task": "upscale", "scale": 3},
            "scalewise upscale a.jpg -m scn_x2 --scale 3",
            "a_x3.jpg",
        ),
        (
            {"model": "scn_x2", "width": 900, "format": "tiff"},
            f"{CLEAN} --width 900 --format tiff",
            "a_w900.tif",
        ),
        (
            {"height": 1080, "strength": 0.1},
            "scalewise upscale a.jpg --height 1080 --strength 0.1",
            "a_h1080.jpg",
        ),
    ],
)
def test_commands(fields: dict[str, object], command: str, result: str) -> None:
    from scalewise.web.restore_request import parse_request
    from scalewise.web.schemas import RestoreForm

    order = parse_request(RestoreForm.model_validate(fields), "a.jpg")
    assert (order.command, order.result_name) == (command, result)


@pytest.mark.parametrize("name", ["bw.png", "bw", "BW.PNG", "bw.jpg"])
def test_a_result_never_has_the_name_of_its_image(name: str) -> None:
    """The command line refuses to replace an input; so the shown command would not work."""
    from scalewise.errors import ScalewiseError
    from scalewise.web.restore_request import parse_request
    from scalewise.web.schemas import RestoreForm

    form = RestoreForm.model_validate({"output_name": name})
    if name.endswith("jpg"):
        assert parse_request(form, "bw.png").command == "scalewise upscale bw.png -o bw.jpg"
        form = form.model_copy(update={"format": "png"})
    with pytest.raises(ScalewiseError, match=r"own name .* such as bw_x2\.png"):
        parse_request(form, "bw.png")


def test_braces_in_a_name_are_letters() -> None:
    """As of the command line; the page alone replaces them, before it sends the name."""
    from scalewise.web.restore_request import parse_request
    from scalewise.web.schemas import RestoreForm

    order = parse_request(RestoreForm(output_name="in/{name}_{0}{"), "a.png")
    assert order.result_name == "{name}_{0}{.png"
    assert order.command == "scalewise upscale a.png -o '{name}_{0}{.png'"


def test_a_name_of_a_format_that_is_not_written_is_refused() -> None:
    """As by the command line; else the result would be x.gif.png."""
    from scalewise.errors import ScalewiseError
    from scalewise.web.restore_request import parse_request
    from scalewise.web.schemas import RestoreForm

    with pytest.raises(ScalewiseError, match=r"x\.GIF: \.gif is read, but not written; use one of"):
        parse_request(RestoreForm(output_name="x.GIF"), "a.png")
    for form in (RestoreForm(output_name="v1.2"), RestoreForm(output_name="a.gif", format="png")):
        assert parse_request(form, "a.png").result_name == f"{form.output_name}.png"


@pytest.mark.parametrize("task", ["photo", "denoise", "noisy-jpeg", "dejpeg"])
def test_tasks_are_commands(task: str) -> None:
    from scalewise.web.restore_request import parse_request
    from scalewise.web.schemas import RestoreForm

    form = RestoreForm.model_validate({"task": task, "strength": 0.5})
    words = ["upscale", "-m photo_x2"] if task == "photo" else ["restore", f"--task {task}"]
    order = parse_request(form, "a.jpg")
    assert order.command == f"scalewise {words[0]} a.jpg {words[1]} --strength 0.5"
    assert order.result_name == ("a_x2.jpg" if task == "photo" else "a_restored.jpg")


def test_the_page_is_told_what_each_task_has() -> None:
    from scalewise.web.restore_request import task_views

    views = {view.name: view for view in task_views()}
    assert next(iter(views)) == "auto"
    keeping = {name for name, view in views.items() if view.keeps_size}
    assert keeping == {"denoise", "noisy-jpeg", "dejpeg"}
    without = {name for name, view in views.items() if not view.has_strength}
    assert without == {"super-resolution", "graphics"}
    assert views["photo"].model == "photo_x2"
    assert all(view.title and view.description for view in views.values())


def test_a_task_and_a_model_exclude_each_other() -> None:
    from scalewise.errors import ScalewiseError
    from scalewise.web.restore_request import parse_request
    from scalewise.web.schemas import RestoreForm

    with pytest.raises(ScalewiseError, match="task and model exclude each other"):
        parse_request(RestoreForm(task="dejpeg", model="noisy_jpeg"), "a.png")


def test_others_enlarge_after_a_named_model_that_keeps_the_size() -> None:
    from scalewise.errors import ScalewiseError
    from scalewise.web.restore_request import parse_request
    from scalewise.web.schemas import RestoreForm

    order = parse_request(RestoreForm(model="noisy_jpeg", scale=3), "a.png")
    assert order.command == "scalewise upscale a.png -m noisy_jpeg --scale 3"
    assert (order.result_name, order.full_target.scale) == ("a_x3.png", 3)
    with pytest.raises(ScalewiseError, match=r"task denoise keeps the size.* model=denoise, which"):
        parse_request(RestoreForm(task="denoise", width=400), "a.png")


def test_unknown_tasks_are_refused() -> None:
    from scalewise.web.schemas import RestoreForm

    assert RestoreForm.model_validate({"task": "upscale"}).task == "super-resolution"
    with pytest.raises(ValueError, match="unknown task 'sharpen'; known: auto, photo"):
        RestoreForm.model_validate({"task": "sharpen"})


def test_formats_go_by_the_names_of_the_command_line() -> None:
    from scalewise.web.schemas import RestoreForm

    assert RestoreForm.model_validate({"format": ".JPG"}).format == "jpeg"
    with pytest.raises(ValueError, match="unknown format 'bmp'; use one of png, tiff"):
        RestoreForm.model_validate({"format": "bmp"})


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_one_word_of_a_shell(name: str) -> None:
    import shlex

    from scalewise.web.restore_request import parse_request
    from scalewise.web.schemas import RestoreForm

    command = shlex.split(parse_request(RestoreForm(), name).command)
    assert len(command) == 3
    assert command[2].removeprefix("./") == name
    assert not command[2].startswith("-")


HARD_NAMES = {
    "quotes": 'it\'s "mine".png',
    "newline": "a\nb.png",
    "return-and-quote": "a'\r\n\t\\b.png",
    "right-to-left": "a\u202egnp.png",
    "spaces": "  a  b .png",
    "dash": "--help.png",
    "backslash": "a\\b.png",
    "dollar": "$HOME`x`!.png",
}


@pytest.mark.parametrize("name", HARD_NAMES.values(), ids=HARD_NAMES)
def test_a_shell_hands_on_any_name(name: str) -> None:
    import subprocess

    from scalewise.web.restore_request import parse_request
    from scalewise.web.schemas import RestoreForm

    command = parse_request(RestoreForm(), name).command
    assert command.isprintable()
    words = command.replace("scalewise", "printf '%s\\0'", 1)
    told = subprocess.run(["bash", "-c", words], capture_output=True, check=True).stdout
    assert told.decode().split("\0")[:2] == ["upscale", f"./{name}" if name[0] == "-" else name]


@pytest.mark.parametrize(
    "name", ["", "..", "/", "a/..", "\0\n", "x" * 500, "日" * 500, "x." + "y" * 500]
)
def test_any_name_can_be_shown(name: str) -> None:
    from scalewise.web.names import clean_name

    shown = clean_name(name)
    assert shown.isprintable()
    assert 0 < len(shown) <= 130
    assert len(shown.encode()) <= 240  # file systems take 255, and results have a suffix
    assert "/" not in shown
    assert shown not in (".", "..")
