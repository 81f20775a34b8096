"""``scalewise data check`` and ``scalewise data pack`` as a user runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from scalewise import load
from scalewise.cli.app import app
from scalewise.data.reading import read_rgb
from scalewise.data.store import Store
from scalewise.errors import ScalewiseError
from scalewise.files import Picture, write
from scalewise.imaging.protocols import SQUASH256
from scalewise.imaging.resize import imresize


def scalewise(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def save(path: Path, width: int, height: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    write(path, Picture(noise))


def save_lr(path: Path, hr: Path, scale: int = 2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, Picture(imresize(read_rgb(hr), 1 / scale)))


def test_a_sound_dataset(tmp_path: Path) -> None:
    save(tmp_path / "HR/größe.png", 100, 96)
    save_lr(tmp_path / "LR_bicubic/X2/größex2.png", tmp_path / "HR/größe.png")
    (tmp_path / "MANIFEST.csv").write_text("file,licence\nHR/größe.png,CC0\n", encoding="utf-8")
    result = scalewise("data", "check", tmp_path, "--workers", "1")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        str(tmp_path),
        "  layout    HR + LR_bicubic",
        "  images    1, 0.0 megapixels",
        "  LR        1 at x2",
        "  licence   CC0: 1 image",
        "",
        "no problems found",
    ]


def test_problems_are_grouped_and_fail(tmp_path: Path) -> None:
    for number in range(12):
        save(tmp_path / f"{number:02}.png", 16, 16)
    (tmp_path / "broken.png").write_bytes(b"")
    result = scalewise("data", "check", tmp_path, "--workers", "1", "--fast")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert "  note      headers only: truncated files are not found" in lines
    assert "13 problems:" in lines
    assert "unreadable (1): copy the file again, or delete it; packing skips it" in lines
    assert "  00.png: 16x16, below 96 pixels on a side" in lines
    assert lines[-1] == "  and 2 more; --all lists them"

    result = scalewise("data", "check", tmp_path, "--workers", "1", "--fast", "--all")
    assert result.stdout.splitlines()[-1] == "  11.png: 16x16, below 96 pixels on a side"

    result = scalewise("data", "check", tmp_path, "--workers", "1", "--fast", "--min-side", "16")
    assert "1 problem:" in result.stdout


def test_the_validation_split(tmp_path: Path) -> None:
    save(tmp_path / "DIV2K_train_HR/0001.png", 8, 8)
    save(tmp_path / "DIV2K_valid_HR/0801.png", 96, 96)
    result = scalewise("data", "check", tmp_path, "--split", "valid", "--workers", "1")
    assert result.exit_code == 0
    assert "  note      not used: 1 in DIV2K_train_HR" in result.stdout.splitlines()


def test_packing(tmp_path: Path) -> None:
    save(tmp_path / "one/a.png", 24, 24)
    save(tmp_path / "two/b.png", 48, 24)
    (tmp_path / "two/c.png").write_bytes(b"")
    out = tmp_path / "packed.pack"
    result = scalewise(
        *("data", "pack", tmp_path / "one", tmp_path / "two", "-o", out),
        *("--scale", "3", "--scale", "2", "--workers", "1"),
    )
    assert result.exit_code == 0
    assert result.stdout == f"{out}: 2 images, 0.0 megapixels, LR at x2, x3, 0.00 GB\n"
    assert result.stderr.startswith("skipped: ")
    assert "c.png" in result.stderr
    assert [(entry.name, sorted(entry.lr)) for entry in Store(out).entries] == [
        ("a", [2, 3]),
        ("b", [2, 3]),
    ]


def test_packing_squashed_pictures(tmp_path: Path) -> None:
    save(tmp_path / "set/a.png", 48, 24)
    out = tmp_path / "packed.pack"
    command = ["data", "pack", tmp_path / "set", "-o", out, "--workers", "1", "--squash", "256"]
    result = scalewise(*command, "--scale", "2")
    assert result.exit_code == 0
    assert result.stdout == (
        f"{out}: 1 image, 0.3 megapixels, LR at x2, squashed to 256x256, 0.00 GB\n"
    )
    store = Store(out)
    lr, hr = SQUASH256.prepare(read_rgb(tmp_path / "set/a.png"), None, 2)
    np.testing.assert_array_equal(store.lr(0, 2), lr)
    np.testing.assert_array_equal(store.hr(0), hr)
    assert "exists already" in str(scalewise(*command).exception)
    wrong = scalewise(*command, "--scale", "4", "--overwrite").exception
    assert isinstance(wrong, ScalewiseError)
    assert "squashed" in str(wrong)


def test_packing_is_for_scale_2_unless_told(tmp_path: Path) -> None:
    save(tmp_path / "a.png", 24, 24)
    result = scalewise("data", "pack", tmp_path, "-o", tmp_path / "packed.pack", "--workers", "1")
    assert result.exit_code == 0
    assert "LR at x2," in result.stdout


def test_packing_with_a_folder_of_a_teachers_images(tmp_path: Path) -> None:
    save(tmp_path / "photos/a.png", 24, 24)
    save(tmp_path / "photos/b.png", 24, 32)
    save(tmp_path / "teacher/a.png", 24, 24)
    out = tmp_path / "packed.pack"
    command = ["data", "pack", tmp_path / "photos", "-o", out, "--workers", "1"]
    described = ["--teacher-name", "SPAN", "--teacher-licence", "MIT"]

    nowhere = scalewise(*command, "--teacher", tmp_path / "nowhere")
    assert "nowhere: is neither a folder nor a released model" in str(nowhere.exception)
    undescribed = scalewise(*command, "--teacher", tmp_path / "teacher")
    assert "state whose images these are, with --teacher-name" in undescribed.stderr
    alone = scalewise(*command, *described)
    assert "describe --teacher; add it" in alone.stderr
    missing = scalewise(*command, "--teacher", tmp_path / "teacher", *described)
    assert "has no image for 1 of 2 HR images (b)" in str(missing.exception)
    two = scalewise(
        *command, "--teacher", tmp_path / "teacher", *described, "--scale", "2", "--scale", "3"
    )
    assert two.stderr == "error: --teacher works with one scale; give one --scale\n"
    assert not out.exists()

    save(tmp_path / "teacher/b.png", 24, 32)
    packed = scalewise(*command, "--teacher", tmp_path / "teacher", *described)
    assert packed.exit_code == 0
    assert packed.stdout.splitlines()[1] == "  teacher: SPAN (MIT)"
    np.testing.assert_array_equal(Store(out).teacher(1), read_rgb(tmp_path / "teacher/b.png"))


def test_packing_with_a_released_model_as_the_teacher(
    tmp_path: Path, small_release: Path, photo: NDArray[np.uint8]
) -> None:
    (tmp_path / "photos").mkdir()
    write(tmp_path / "photos/a.png", Picture(photo[:64, :80]))
    out = tmp_path / "packed.pack"
    command = ["data", "pack", tmp_path / "photos", "-o", out, "--workers", "1"]
    packed = scalewise(*command, "--teacher", small_release)
    assert packed.exit_code == 0, packed.output
    assert packed.stdout.splitlines()[1] == "  teacher: small (CC0)"
    store = Store(out)
    made = load(small_release).restore(store.lr(0, 2))
    np.testing.assert_array_equal(store.teacher(0), made)
    wrong = scalewise(*command, "--teacher", small_release, "--scale", "3", "--overwrite")
    assert str(wrong.exception) == f"--teacher {small_release}: has scale 2, not 3"


def test_folders_given_by_options(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    (tmp_path / "sharp").mkdir()
    write(tmp_path / "sharp/a.png", Picture(photo[:96, :128]))
    save_lr(tmp_path / "soft/a.png", tmp_path / "sharp/a.png", 4)
    save_lr(tmp_path / "soft/b.png", tmp_path / "sharp/a.png", 4)
    given = ["--hr", tmp_path / "sharp", "--lr", tmp_path / "soft"]
    packed = scalewise("data", "pack", *given, "-o", tmp_path / "packed.pack", "--scale", "4")
    assert packed.exit_code == 0
    assert "1 image, 0.0 megapixels, LR at x4" in packed.stdout
    assert packed.stderr == (
        f"warning: not used: {tmp_path / 'soft/b.png'}: LR without an HR file of its name\n"
    )
    np.testing.assert_array_equal(
        Store(tmp_path / "packed.pack").lr(0, 4), read_rgb(tmp_path / "soft/a.png")
    )
    checked = scalewise("data", "check", *given)
    assert checked.exit_code == 1
    assert f"  {tmp_path / 'soft/b.png'}: no HR image of this name" in checked.stdout
    nothing = scalewise("data", "pack", "-o", tmp_path / "packed.pack")
    assert "give a dataset's folder, or --hr DIR and --lr DIR" in nothing.stderr
    half = scalewise("data", "check", "--lr", tmp_path / "soft")
    assert "add --hr DIR" in half.stderr
    both = scalewise("data", "check", tmp_path / "sharp", *given)
    assert "give one dataset" in both.stderr
    assert {each.exit_code for each in (nothing, half, both)} == {2}


def test_packing_says_which_names_collide_and_that_lr_is_shuffled(tmp_path: Path) -> None:
    save(tmp_path / "HR/0.png", 64, 64)
    save(tmp_path / "HR/0.jpg", 64, 64)
    random = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    (tmp_path / "LR_bicubic/X2").mkdir(parents=True)
    write(tmp_path / "LR_bicubic/X2/0x2.png", Picture(random))
    result = scalewise("data", "pack", tmp_path, "-o", tmp_path / "a.pack", "--workers", "1")
    assert result.exit_code == 0, result.stderr
    assert "HR/0.png: another file has this name but for its suffix" in result.stderr
    assert "1 of 1 LR files looked at for x2" in result.stderr
    assert "LR images of the datasets were taken as they are" in result.stdout
