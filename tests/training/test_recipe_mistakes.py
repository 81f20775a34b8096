"""Mistakes in recipes and overrides, each an error of one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalewise.errors import ScalewiseError
from scalewise.training.recipe import load_recipe
from tests.training.test_recipe import PLAIN

WHOLE = "with data.squash a patch is a whole image, as it is: leave out data.patch and data.augment"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(PLAIN, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.bacth=8", "unknown key 'data.bacth'; did you mean 'batch'?"),
        ("modle={}", "unknown key 'modle'; did you mean 'model'?"),
        ("step=100", "unknown key 'step'; did you mean 'steps'?"),
        ("tmie=60s", "unknown key 'tmie'; did you mean 'time'?"),
        ("data.step=100", "unknown key 'data.step'; did you mean 'steps'?"),
        ("batch_size=8", "unknown key 'batch_size'; did you mean 'batch'?"),
        ("lr=1e-3", "unknown key 'lr'; did you mean 'rate'?"),
        ("width=4", "unknown key 'width'; did you mean 'model.settings.width'?"),
        ("model.width=4", "unknown key 'model.width'; did you mean 'model.settings.width'?"),
        ("data.rate=1e-3", "unknown key 'data.rate'; did you mean 'optimizer.rate'?"),
        (
            "loss.xyz=1",
            "unknown key 'loss.xyz'; known: l1, smooth_l1, charbonnier, fft, psnr, denoised, "
            "artifact_map, teacher, teacher_until",
        ),
        ("data.batch=8.5", "'data.batch': input should be a valid integer, not 8.5"),
        ("data.batch='8'", "'data.batch': input should be a valid integer, not '8'"),
        ("seed=true", "'seed': input should be a valid integer, not True"),
        ("data.train=a.pack", "'data.train': input should be a valid array, not 'a.pack'"),
        ("budget.time=[1]", "'budget.time': input should be a valid number, not [1]"),
        (
            "data={train: [a, b], weights: [.nan, 2]}",
            "'data.weights.0': input should be a finite number, not nan",
        ),
        (
            "data={train: [a, b], weights: [.inf, 2]}",
            "'data.weights.0': input should be a finite number, not inf",
        ),
        ("time=-3h", "budget.time: cannot read '-3h'; write 90s, 45m or 1h30m"),
        ("validate_every=-5", "validate_every: must be more than 0 seconds"),
        (f"seed={2**63}", f"seed must be a whole number from 0 to 2^63 - 1, not {2**63}"),
        ("validate_every=0 steps", "validate_every: must be at least 1 step"),
        ("rate=.inf", "'optimizer.rate': input should be a finite number, not inf"),
        ("loss.l1=.inf", "'loss.l1': input should be a finite number, not inf"),
        ("budget.time=.inf", "'budget.time': input should be a finite number, not inf"),
        ("optimizer.kind=sgd", "'optimizer.kind': input should be 'adam' or 'muon', not 'sgd'"),
        ("model={}", "'model.name' is missing"),
        ("data.train=[]", "data.train must name a packed store or a folder of images"),
        ("data.patch=0", "data.patch must be above 0, not 0"),
        ("data.squash=0", "data.squash must be above 0, not 0"),
        ("data.squash=256", f"{WHOLE}, or let them be 256 and false"),
        ("data={train: [a], squash: 9, augment: true}", f"{WHOLE}, or let them be 9 and false"),
        (
            "data.task=blur",
            "data.task: unknown task 'blur'; known: photo, graphics-jpeg, graphics, "
            "super-resolution, denoise, noisy-jpeg, dejpeg, old-photo",
        ),
        ("data.sigma=[0, 50]", "data.sigma is not for super-resolution: leave it out"),
        ("data.quality=[5, 9]", "data.quality is not for super-resolution: leave it out"),
        ("data.clean=0.1", "data.clean is not for super-resolution: leave it out"),
        (
            "data={train: [a], task: dejpeg, sigma: [0, 9]}",
            "data.sigma is not for dejpeg: leave it out",
        ),
        (
            "data={train: [a], task: denoise, squash: 9}",
            "data.squash is not for denoise: leave it out",
        ),
        (
            "data={train: [a], task: denoise, sigma: [9, 5]}",
            "data.sigma must be [least, largest], from 0 to 255, not [9, 5]",
        ),
        (
            "data={train: [a], task: dejpeg, quality: [0, 95]}",
            "data.quality must be [least, largest], from 1 to 100, not [0, 95]",
        ),
        ("data={train: [a], task: denoise, sigma: [9]}", "'data.sigma.1' is missing"),
        (
            "data={train: [a], task: dejpeg, quality: [10, 9.5]}",
            "'data.quality.1': input should be a valid integer, not 9.5",
        ),
        (
            "data={train: [a], task: photo, clean: 1}",
            "data.clean must be at least 0 and below 1, not 1.0",
        ),
        (
            "data={train: [a], task: old-photo, second_order: {blurr: 1}}",
            "unknown key 'data.second_order.blurr'; did you mean 'blur'?",
        ),
        (
            "data={train: [a], task: old-photo, second_order: {jpeg: [95, 30]}}",
            "jpeg must be (least, largest), whole numbers from 1 to 100, not (95, 30)",
        ),
        (
            "data={train: [a], second_order: {sinc: 0}}",
            "data.second_order is not for super-resolution: leave it out",
        ),
        *(
            (
                f"data={{train: [a], progressive: {stages}}}",
                "data.progressive must be a list of [part, side], the parts rising from 0 and "
                f"below 1, not {shown}",
            )
            for stages, shown in (
                ("[]", "[]"),
                ("[[0.1, 8]]", "[[0.1, 8]]"),
                ("[[0, 8], [0.5, 9], [0.5, 16]]", "[[0.0, 8], [0.5, 9], [0.5, 16]]"),
                ("[[0, 8], [1, 9]]", "[[0.0, 8], [1.0, 9]]"),
            )
        ),
        (
            "data={train: [a], progressive: [[0, 8], [0.5, 0]]}",
            "data.patch must be above 0, not 0",
        ),
        (
            "data={train: [a], patch: 48, progressive: [[0, 8], [0.5, 16]]}",
            "data.progressive has sides of its own: leave out data.patch and data.squash "
            "(data.patch=null data.squash=null on the command line)",
        ),
        ("crops=-1", "crops must be 0 or more, not -1"),
        ("wandb=1", "'wandb': input should be a valid boolean, not 1"),
        (
            "data={train: [a], patch: null}",
            "'data.patch': input should be a valid integer, not None",
        ),
        *(
            (f"data={{train: [a, b], weights: {given}}}", f"data.weights {reason}")
            for given, reason in (
                ("[-1, 2]", "must be 0 or more, not -1"),
                ("[1]", "needs one number for each of data.train, 2, not 1"),
                ("[0, 0]", "cannot all be 0"),
            )
        ),
        ("optimizer.rate=-1", "optimizer.rate must be above 0, not -1.0"),
        ("optimizer.clip=0", "optimizer.clip must be above 0, not 0.0"),
        (
            "optimizer.accumulate=3",
            "optimizer.accumulate must divide data.batch (16), not be 3",
        ),
        ("optimizer.ema=1", "optimizer.ema must be at least 0 and below 1, not 1.0"),
        ("optimizer.betas=[0.9, 2]", "optimizer.betas must be at least 0 and below 1, not 2.0"),
        ("schedule.min_rate=-0.002", "schedule.min_rate must be 0 or more, not -0.002"),
        ("schedule.min_rate=2", "schedule.min_rate must be at most optimizer.rate (0.002), not 2"),
        ("schedule.gamma=-1", "schedule.gamma must be above 0 and at most 1, not -1"),
        ("schedule.gamma=0", "schedule.gamma must be above 0 and at most 1, not 0"),
        ("schedule.gamma=1.5", "schedule.gamma must be above 0 and at most 1, not 1.5"),
        ("schedule.milestones=[5]", "schedule.milestones must be at least 0 and below 1, not 5.0"),
        (
            "loss.l1=0",
            "loss.l1, smooth_l1, charbonnier, fft and psnr cannot be negative, nor all 0",
        ),
        ("loss.denoised=-1", "loss.denoised and loss.artifact_map cannot be negative"),
    ],
)
def test_mistakes_are_one_line_with_the_file(path: Path, override: str, message: str) -> None:
    with pytest.raises(ScalewiseError) as caught:
        load_recipe(path, [override])
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("batch", "'batch': write key=value, such as data.batch=8"),
        ("=8", "'=8': write key=value, such as data.batch=8"),
        ("data.train.x=8", "'data.train.x': 'train' has no keys of its own"),
        ("data.train=[", "'data.train=[': the value is not YAML"),
    ],
)
def test_overrides_that_are_none(path: Path, override: str, message: str) -> None:
    with pytest.raises(ScalewiseError) as caught:
        load_recipe(path, [override])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not YAML: "),
        ("2024-01-01: 1", "not YAML: the key 2024-01-01 must be text"),
        ("model: {settings: {1: 2}}", "not YAML: the key 1 must be text"),
        ("just words", "a recipe is a list of 'key: value' lines"),
        ("", "a recipe is a list of 'key: value' lines"),
    ],
)
def test_files_that_are_no_recipe(path: Path, text: str, message: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScalewiseError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match=r"none.yaml: cannot read the recipe \(No such file"):
        load_recipe(tmp_path / "none.yaml")
