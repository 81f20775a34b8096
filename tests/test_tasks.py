"""Tasks: each is one thing, and a new one needs no other file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import scalewise
from scalewise.data.layouts import find_dataset
from scalewise.errors import ScalewiseError
from scalewise.evaluating.evaluate import evaluate, unchanged
from scalewise.evaluating.task_protocols import evaluation_protocol
from scalewise.files import Picture, write
from scalewise.imaging.blind_estimation import Codec, Estimate
from scalewise.imaging.protocols import Protocol
from scalewise.tasks import (
    TASKS,
    Option,
    Strengths,
    Task,
    get_task,
    list_tasks,
    register_task,
    select_task,
)
from scalewise.training.build import prepare
from scalewise.training.config import BudgetConfig, DataConfig, ModelConfig, Recipe
from scalewise.visibility import (
    VISIBLE,
    VISIBLE_ENLARGED,
    as_jpeg_quality,
    as_visible_as_jpeg,
)
from scalewise.weights import default_model, find_release
from scalewise.weights.card import Training, read_card
from scalewise.weights.card_page import write_card
from scalewise.weights.release import write_release

SOURCE = Path(scalewise.__file__).parent


def blur(image: NDArray[np.uint8], strength: float, _: np.random.Generator) -> NDArray[Any]:
    """A horizontal box of one to five pixels."""
    padded = np.pad(image.astype(np.float32), ((0, 0), (2, 2), (0, 0)), mode="edge")
    shifted = [padded[:, k : k + image.shape[1]] for k in range(5)]
    return (1 - strength) * shifted[2] + strength * np.mean(shifted, axis=0)


@pytest.fixture
def deblur(tmp_path: Path) -> Iterator[Task]:
    task = Task(
        name="deblur",
        title="Remove blur, keep the size",
        description="For images that are out of focus.",
        keeps_size=True,
        degrade=blur,
        margin=2,
        model=str(tmp_path / "model"),
    )
    yield register_task(task)
    del TASKS["deblur"]


@pytest.fixture
def images(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(2):
        write(folder / f"{number}.png", Picture(photo[100 * number :][:64, 100:170]))
    return folder


def test_a_task_is_spelled_in_few_modules() -> None:
    modules = [path for end in ("py", "js", "html") for path in SOURCE.rglob(f"*.{end}")]
    spelled = [path for path in modules if "dejpeg" in path.read_text(encoding="utf-8")]
    assert SOURCE / "tasks.py" in spelled
    assert len(spelled) <= 3, spelled


def test_a_new_task_trains_is_released_and_restores(
    deblur: Task, images: Path, tmp_path: Path, photo: NDArray[np.uint8]
) -> None:
    recipe = Recipe(
        model=ModelConfig(name="scn_exact", settings={"scale": 1, "width": 8, "blocks": 1}),
        data=DataConfig(
            train=[str(images)], valid=str(images), patch=16, batch=2, task=deblur.name
        ),
        budget=BudgetConfig(steps=3),
    )
    trainer = prepare(recipe, tmp_path / "run")
    lr, hr = trainer.batches(0)
    assert lr.shape == hr.shape == (2, 3, 16, 16)
    assert not np.array_equal(lr.numpy(), hr.numpy())
    trainer.train()
    assert trainer.best > 15
    assert trainer.validation is not None
    protocol = trainer.validation.protocol
    assert protocol.description == evaluation_protocol("deblur").description

    training = Training(recipe={}, steps=3, seconds=1, progress=1, pictures=2, licences={})
    network = trainer.ema.network.eval()
    write_release(
        network,
        tmp_path / "model",
        name="deblurrer",
        summary="A test.",
        licence="CC0",
        training=training,
        task=deblur.name,
    )
    assert scalewise.restore(photo[:40, :50], task="deblur").shape == (40, 50, 3)

    pytest.importorskip("fastapi", reason="needs the web extra")
    from scalewise.web.restore_request import parse_request, task_views
    from scalewise.web.schemas import RestoreForm

    (view,) = [view for view in task_views() if view.name == "deblur"]
    assert (view.title, view.model) == ("Remove blur, keep the size", "deblurrer")
    assert (view.keeps_size, view.has_strength) == (True, True)
    order = parse_request(RestoreForm.model_validate({"task": "deblur"}), "a.png")
    assert order.command == "scalewise restore a.png --task deblur"


def test_a_new_task_is_evaluated(call: Any, deblur: Task, images: Path) -> None:
    protocol = evaluation_protocol("deblur")
    scores = list(evaluate(unchanged, find_dataset(images), 1, protocol))
    assert 20 < scores[0].psnr < 60
    code, out, _ = call("evaluate", "input", images, "--task", "deblur")
    assert code == 0
    assert "protocol deblur: input degraded as deblur says, at half its strength" in out
    assert f"{np.mean([score.psnr for score in scores]):.2f}" in out


def test_another_package_adds_a_task_to_the_command_line(
    small_release: Path, images: Path, tmp_path: Path
) -> None:
    environment = with_sharpen(tmp_path / "site", small_release)

    def said(*arguments: object) -> str:
        code = "from scalewise.cli.app import main; main()"
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    assert "sharpen" in said("evaluate", "--help")
    assert "sharpen" in said("restore", "--help")
    made = said("restore", images / "0.png", "--task", "sharpen", "-o", tmp_path / "out.png")
    assert "out.png: 140x128, small" in made


def with_sharpen(site: Path, model: Path) -> dict[str, str]:
    """Install a package that names a task, in a folder; the environment that has it."""
    info = site / "sharpen-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sharpen\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[scalewise.tasks]\nsharpen = sharpen_task:SHARPEN\n")
    (site / "sharpen_task.py").write_text(
        "from scalewise.tasks import Strengths, Task\n"
        "SHARPEN = Task(name='sharpen', title='Sharpen and enlarge', keeps_size=False,\n"
        "               description='For soft images.', training=Strengths(sigma=(0, 2)),\n"
        f"               model={str(model)!r})\n"
    )
    paths = [str(site), str(SOURCE.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "300"}


def test_names_are_unique_and_unknown_ones_are_told(deblur: Task) -> None:
    with pytest.raises(ScalewiseError, match="there is a task 'deblur' already"):
        register_task(Task(name="deblur", title="", description="", keeps_size=True))
    with pytest.raises(ScalewiseError, match=r"unknown task 'x'; known: photo, .*, deblur$"):
        get_task("x")
    assert get_task("upscale") is get_task("super-resolution")
    with pytest.raises(
        ScalewiseError, match="unknown task 'noisy_jpeg'; did you mean 'noisy-jpeg'"
    ):
        get_task("noisy_jpeg")


def test_what_auto_chooses() -> None:
    def chosen(enlarge: bool, sigma: float, quality: int | None = None) -> str | None:
        task = select_task(Estimate(sigma, quality), enlarge=enlarge)
        return None if task is None else task.name

    assert chosen(False, 15) == chosen(False, 6) == "denoise"
    assert chosen(False, 5) is None
    assert chosen(False, 5, 95) == "noisy-jpeg"
    assert select_task(Estimate(15, coarseness=1.6), enlarge=False) is get_task("denoise")
    assert select_task(Estimate(15, coarseness=2.4), enlarge=False) is get_task("noisy-jpeg")
    assert chosen(False, 2.5, 60) == "dejpeg"
    assert chosen(False, 15, 60) == chosen(False, 15, 98) == "noisy-jpeg"
    assert chosen(False, 1) is chosen(False, 1, 97) is None
    assert chosen(True, 9) == chosen(True, 1, 60) == chosen(True, 7, 85) == "photo"
    assert chosen(True, 15) == chosen(True, 60) == "denoise"
    assert chosen(True, 189) == "super-resolution"  # a checkerboard, or a dithered image
    assert chosen(False, 189) is None
    assert chosen(True, 1, 59) == chosen(False, 1.9, 30) == "dejpeg"
    assert chosen(False, 2.1, 30) == chosen(False, 3.1, 60) == "noisy-jpeg"
    assert chosen(True, 9, 85) == chosen(True, 7, 50) == "noisy-jpeg"
    assert chosen(True, 1) == "super-resolution"
    drawn = Estimate(1, content="text or graphics")
    assert select_task(drawn, enlarge=True) is get_task("graphics")
    assert select_task(replace(drawn, sigma=9), enlarge=True) is get_task("graphics")
    assert select_task(replace(drawn, quality=60), enlarge=True) is get_task("graphics-jpeg")
    assert select_task(replace(drawn, quality=20), enlarge=True) is get_task("dejpeg")
    assert select_task(drawn, enlarge=False) is None
    web = replace(drawn, quality=75, codec="WebP")
    assert select_task(web, enlarge=True) is get_task("graphics-jpeg")
    assert select_task(replace(web, quality=85), enlarge=True) is get_task("graphics")
    assert select_task(web, enlarge=False) is None
    assert select_task(replace(web, quality=30), enlarge=False) is get_task("dejpeg")
    shared = Estimate(7, 90, coarseness=5, is_coarse=True)  # of which photo_x2 knows nothing
    assert select_task(shared, enlarge=True) is get_task("noisy-jpeg")
    assert select_task(replace(shared, sigma=4), enlarge=True) is get_task("photo")


@pytest.mark.parametrize(
    ("codec", "quality", "kept", "enlarged"),
    [
        ("WebP", 30, "dejpeg", "dejpeg"),
        ("WebP", 75, "dejpeg", "photo"),
        ("WebP", 90, None, "photo"),
        ("WebP", 95, None, "super-resolution"),
        ("AVIF", 30, "dejpeg", "dejpeg"),
        ("AVIF", 60, "dejpeg", "photo"),
        ("AVIF", 80, None, "photo"),
        ("AVIF", 90, None, "super-resolution"),
    ],
)
def test_each_codec_has_visible_qualities_of_its_own(
    codec: Codec, quality: int, kept: str | None, enlarged: str
) -> None:
    def chosen(enlarge: bool) -> str | None:
        task = select_task(Estimate(1.0, quality, codec=codec), enlarge=enlarge)
        return None if task is None else task.name

    assert (chosen(False), chosen(True)) == (kept, enlarged)


def test_qualities_are_as_visible_as_lower_ones_of_jpeg() -> None:
    codecs: list[Codec] = ["WebP", "AVIF"]
    for codec in codecs:
        qualities = [as_jpeg_quality(codec, quality) for quality in range(101)]
        assert qualities == sorted(qualities)
        assert qualities[-1] == 100
        assert as_jpeg_quality(codec, VISIBLE[codec]) == VISIBLE["JPEG"]
        assert as_jpeg_quality(codec, VISIBLE_ENLARGED[codec]) == VISIBLE_ENLARGED["JPEG"]
        back = [as_visible_as_jpeg(codec, quality) for quality in qualities]
        assert back == pytest.approx(range(101))


def test_help_states_the_strengths_that_are_measured() -> None:
    for name in list_tasks():
        task = get_task(name)
        if task.protocol is None and task.training is not None:
            middle = task.training.middle()
            assert {key: task.options[key].default for key in middle} == middle, name


def test_each_task_has_one_default_model() -> None:
    released = [name for name in list_tasks() if get_task(name).is_released]
    for name in {*list_tasks()} - {*released}:
        with pytest.raises(ScalewiseError, match=f"no released model for {name}"):
            default_model(name)
    assert [default_model(name) for name in released] == [
        "photo_x2",
        "graphics_jpeg_x2",
        "graphics_x2",
        "scn_x2",
        "denoise",
        "noisy_jpeg",
        "dejpeg",
    ]
    assert default_model("super-resolution", 4) == "scn_x4"
    with pytest.raises(ScalewiseError, match="no released model for photo at x3"):
        default_model("photo", 3)


def test_a_task_without_a_model_is_evaluated_and_not_offered(call: Any, images: Path) -> None:
    code, out, _ = call("evaluate", "input", images, "--task", "old-photo")
    assert (code, "protocol old-photo: blur" in out) == (0, True)
    code, out, _ = call("restore", "--help")
    assert (code, "old-photo" in out) == (0, False)
    code, _, err = call("restore", images / "0.png", "--task", "old-photo")
    assert code == 2
    assert "old-photo has no released model; train one, and give --model" in err
    with pytest.raises(ScalewiseError, match="no released model for old-photo"):
        scalewise.restore(np.zeros((8, 8, 3), np.uint8), task="old-photo")

    pytest.importorskip("fastapi", reason="needs the web extra")
    from scalewise.web.restore_request import task_views
    from scalewise.web.schemas import RestoreForm

    assert "old-photo" not in [view.name for view in task_views()]
    assert "old-photo" not in str(RestoreForm.model_json_schema()["properties"]["task"])


def test_cards_from_before_relations_still_load(tmp_path: Path) -> None:
    card = read_card(find_release("photo_x2"))
    write_card(card, tmp_path)
    text = (tmp_path / "card.json").read_text(encoding="utf-8")
    for line in ('  "default": true,\n', '  "clean_sibling": "scn_x2",\n'):
        assert line in text
        text = text.replace(line, "")
    start, _, _ = text.partition(',\n  "cascade": [')
    (tmp_path / "card.json").write_text(start + "\n}\n", encoding="utf-8")
    old = read_card(tmp_path)
    assert (old.default, old.clean_sibling, old.cascade) == (False, None, [])
    from scalewise.weights import cascade_of, clean_sibling

    assert (clean_sibling(old), cascade_of(old)) == ("scn_x2", ["scn_x2"])


def test_options_of_a_task_reach_its_protocol(deblur: Task) -> None:
    asked: list[dict[str, Any]] = []

    def protocol(**options: Any) -> Protocol:
        asked.append(options)
        return evaluation_protocol("super-resolution")

    task = Task(
        name="measured",
        title="",
        description="",
        keeps_size=False,
        training=Strengths(sigma=(2, 4)),
        options={"radius": Option(help="Radius", default=3)},
        protocol=protocol,
    )
    task.make_protocol(radius=5)
    task.make_validation_protocol(Strengths(sigma=(2, 4)))
    assert [sorted(options) for options in asked] == [["codec", "radius"], ["codec", "sigma"]]
    assert asked[1]["sigma"] == 3
    with pytest.raises(
        ScalewiseError, match="sigma is for denoise and noisy-jpeg, not for measured"
    ):
        task.make_protocol(sigma=3)


@pytest.mark.parametrize("name", ["auto", ""])
def test_a_task_of_no_name_of_its_own_is_not_registered(name: str) -> None:
    before = list_tasks()
    with pytest.raises(ScalewiseError):
        register_task(replace(get_task("denoise"), name=name))
    assert list_tasks() == before
