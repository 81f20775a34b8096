"""From recipe to trainer: the data that are opened, the weights that are started from."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.data.reading import read_rgb
from scalewise.data.store import Store
from scalewise.errors import ScalewiseError
from scalewise.files import Picture, write
from scalewise.imaging.protocols import FIELD, SQUASH256, squashing
from scalewise.training.build import open_validation, packed_paths, prepare
from scalewise.training.config import BudgetConfig, ModelConfig, Recipe
from scalewise.training.distributed import World
from scalewise.training.release import _open_stores
from scalewise.training.session import open_run
from scalewise.training.validation import restore_uint8


def refused(recipe: Recipe, run: Path) -> str:
    with pytest.raises(ScalewiseError) as caught:
        prepare(recipe, run)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_data(recipe: Recipe, **data: object) -> Recipe:
    return replace(recipe, data=replace(recipe.data, **data))


def with_model(recipe: Recipe, init: str | None = None, **settings: object) -> Recipe:
    settings = {**recipe.model.settings, **settings}
    return replace(recipe, model=ModelConfig(name="scn_exact", settings=settings, init=init))


def test_folders_are_packed_into_the_run(recipe: Recipe, pictures: Path, tmp_path: Path) -> None:
    (pictures / "torn.png").write_bytes(b"")
    said: list[str] = []
    done: list[tuple[int, int]] = []
    trainer = prepare(
        with_data(recipe, valid=None),
        tmp_path / "run",
        notify=said.append,
        progress=lambda *counts: done.append(counts),
    )
    assert packed_paths([str(pictures)], tmp_path / "run") == [tmp_path / "run/train-0.pack"]
    assert len(Store(tmp_path / "run/train-0.pack")) == len(trainer.sampler) == 2
    assert done == [(1, 3), (2, 3), (3, 3)]
    (line,) = said
    assert line.startswith("skipped: ")
    assert "torn.png" in line


def test_what_was_packed_is_used_again_if_asked(
    recipe: Recipe, pictures: Path, tmp_path: Path
) -> None:
    recipe = with_data(recipe, valid=None)
    prepare(recipe, tmp_path / "run")
    (pictures / "face.png").unlink()
    assert len(prepare(recipe, tmp_path / "run", reuse_packed=True).sampler) == 2
    assert len(prepare(recipe, tmp_path / "run").sampler) == 1


def test_defaults_of_the_network_are_filled_in(recipe: Recipe, tmp_path: Path) -> None:
    trainer = prepare(with_model(recipe, scale=3), tmp_path / "run")
    assert trainer.recipe.model.settings == {
        **{"scale": 3, "channels": 3, "width": 4, "expansion": 2, "blocks": 1, "levels": 2},
        **{"shrink": 1, "denoise": 0, "artifacts": 0},
    }
    lr, hr = trainer.sampler.sample(0)
    assert (lr.shape, hr.shape) == ((2, 8, 8, 3), (2, 24, 24, 3))


def test_validation_pictures_follow_the_protocol(
    recipe: Recipe, tmp_path: Path, photo: NDArray[np.uint8]
) -> None:
    hr, own_lr = photo[:41, :50], photo[100:120, :25]
    (tmp_path / "set/HR").mkdir(parents=True)
    (tmp_path / "set/LR_bicubic/X2").mkdir(parents=True)
    write(tmp_path / "set/HR/a.png", Picture(hr))
    write(tmp_path / "set/LR_bicubic/X2/ax2.png", Picture(own_lr))
    made = {2: own_lr, 3: FIELD.prepare(hr, None, 3)[0]}
    for scale, lr in made.items():
        data = replace(recipe.data, valid=str(tmp_path / "set"))
        validation = open_validation(data, scale)
        assert validation is not None
        ((our_lr, our_hr),) = validation.pairs
        np.testing.assert_array_equal(our_lr, lr)
        np.testing.assert_array_equal(our_hr, hr[: 41 // scale * scale, : 50 // scale * scale])


def test_validation_on_a_packed_store(recipe: Recipe, pictures: Path, tmp_path: Path) -> None:
    store = tmp_path / "valid.pack"
    pack([find_dataset(pictures)], store, [2])
    from_folder = open_validation(recipe.data, 2)
    from_store = open_validation(replace(recipe.data, valid=str(store)), 2)
    assert from_folder is not None
    assert from_store is not None
    for ours, theirs in zip(from_folder.pairs, from_store.pairs, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
    first = open_validation(replace(recipe.data, valid_images=1), 2)
    assert first is not None
    assert len(first.pairs) == 1


def test_images_that_are_trained_on_and_validated_are_counted(
    recipe: Recipe, pictures: Path, tmp_path: Path
) -> None:
    photo = read_rgb(pictures / "face.png")
    (tmp_path / "valid").mkdir()
    write(tmp_path / "valid/copy.png", Picture(photo))
    said: list[str] = []
    for valid in (tmp_path / "valid", pictures):
        prepare(with_data(recipe, valid=str(valid)), tmp_path / "run", notify=said.append)
    scores = "images are trained on, too; their scores do not tell how others are restored"
    assert said == [f"data.valid: 1 of 1 {scores}", f"data.valid: 2 of 2 {scores}"]
    said.clear()
    write(tmp_path / "valid/copy.png", Picture(255 - photo))
    prepare(with_data(recipe, valid=str(tmp_path / "valid")), tmp_path / "run", notify=said.append)
    assert said == []


def test_validation_measures_what_the_protocol_does(recipe: Recipe, tmp_path: Path) -> None:
    trainer = prepare(recipe, tmp_path / "run")
    assert trainer.validation is not None
    device = torch.device("cpu")
    scores: list[float] = []
    for lr, hr in trainer.validation.pairs:
        image = torch.tensor(lr).permute(2, 0, 1)[None] / 255
        with torch.no_grad():
            restored = trainer.network(image)[0].permute(1, 2, 0).numpy() * 255
        scores.append(FIELD.score(restored, hr, 2).psnr_y)
        pixels = restore_uint8(trainer.network, lr, device, torch.float32)
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, np.rint(restored).clip(0, 255))
    measured = trainer.validation.psnr_y(trainer.network, device, torch.float32)
    assert measured == pytest.approx(np.mean(scores), abs=1e-6)


def squashed(recipe: Recipe, side: int = 16, **data: object) -> Recipe:
    return with_data(recipe, squash=side, patch=side, augment=False, **data)


def test_squashed_pictures_are_packed_trained_on_and_measured_as_such(
    recipe: Recipe, pictures: Path, tmp_path: Path
) -> None:
    trainer = prepare(squashed(recipe), tmp_path / "run")
    store = Store(tmp_path / "run/train-0.pack")
    pack([find_dataset(pictures)], tmp_path / "by_hand.pack", [2], squash=16, source=str(pictures))
    assert store.path.read_bytes() == (tmp_path / "by_hand.pack").read_bytes()
    lr, hr = trainer.sampler.sample(3)
    order = [place.picture for place in trainer.sampler.draw(3)]
    assert sorted(order) == [0, 1]
    for n, index in enumerate(order):
        np.testing.assert_array_equal(lr[n], store.lr(index, 2))
        np.testing.assert_array_equal(hr[n], store.hr(index))
    assert trainer.validation is not None
    assert trainer.validation.protocol == squashing(16)
    for index, pair in enumerate(trainer.validation.pairs):
        np.testing.assert_array_equal(pair[0], store.lr(index, 2))
        np.testing.assert_array_equal(pair[1], store.hr(index))


def test_validation_is_squashed_from_any_store(
    recipe: Recipe, pictures: Path, tmp_path: Path
) -> None:
    for name, squash in (("plain", None), ("squashed", 256)):
        pack([find_dataset(pictures)], tmp_path / name, [2], squash=squash)
    sets = [
        open_validation(squashed(recipe, 256, valid=str(source)).data, 2)
        for source in (pictures, tmp_path / "plain", tmp_path / "squashed")
    ]
    for measured in sets:
        assert measured is not None
        assert measured.protocol == SQUASH256
        assert sets[0] is not None
        for ours, theirs in zip(measured.pairs, sets[0].pairs, strict=True):
            np.testing.assert_array_equal(ours[0], theirs[0])
            np.testing.assert_array_equal(ours[1], theirs[1])


def test_recipe_and_store_agree_on_squashing(
    recipe: Recipe, pictures: Path, tmp_path: Path
) -> None:
    plain, small = tmp_path / "plain.pack", tmp_path / "small.pack"
    pack([find_dataset(pictures)], plain, [2])
    pack([find_dataset(pictures)], small, [2], squash=16)
    run = tmp_path / "run"
    assert refused(squashed(recipe, train=[str(plain)]), run) == (
        f"{plain}: holds images in their own shape; data.squash is 16: pack again with squash=16"
    )
    assert refused(squashed(recipe, 20, train=[str(small)]), run) == (
        f"{small}: holds images squashed to 16; data.squash is 20: pack again with squash=20"
    )
    for key in ("train", "valid"):
        where = [str(small)] if key == "train" else str(small)
        assert refused(with_data(recipe, **{key: where}), run) == (
            f"{small}: holds images squashed to 16; "
            "set data.squash=16, or pack again without squash="
        )
    assert "for x2 alone" in refused(with_model(squashed(recipe), scale=3), run)


def test_starting_from_other_weights(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, budget=BudgetConfig(steps=3))
    first = prepare(recipe, tmp_path / "first")
    first.train()
    second = prepare(with_model(recipe, init=str(tmp_path / "first")), tmp_path / "second")
    for ours, theirs in zip(
        second.network.parameters(), first.ema.network.parameters(), strict=True
    ):
        assert torch.equal(ours, theirs)
    bare = tmp_path / "of_another_trainer.pth"  # which names no network
    torch.save({"params": first.ema.network.state_dict()}, bare)
    third = prepare(with_model(recipe, init=str(bare)), tmp_path / "bare")
    for ours, theirs in zip(third.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    wider = with_model(recipe, init=str(tmp_path / "first/best.pt"), width=6)
    assert refused(wider, tmp_path / "third").startswith(
        f"model.init: {tmp_path / 'first/best.pt'}: weights do not fit ScnExact: 'head.weight' is "
    )
    # The checkpoint has what a resumed run needs; its first weights may be gone.
    gone = with_model(recipe, init=str(tmp_path / "gone"))
    assert "model.init: " in refused(gone, tmp_path / "third")
    prepare(gone, tmp_path / "third", initialise=False)


def test_weights_come_from_the_seed(recipe: Recipe, tmp_path: Path) -> None:
    heads = [
        next(prepare(replace(recipe, seed=seed), tmp_path / "run").network.parameters())
        for seed in (5, 5, 6)
    ]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_mistakes_are_one_line(
    recipe: Recipe, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, empty = tmp_path / "run", tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(tmp_path)
    assert (
        refused(with_data(recipe, train=["nope"]), run)
        == f"data.train: there is no nope in {tmp_path}; name a folder of images or a packed "
        "store: 'data.train=[PATH]'"
    )
    assert (
        refused(with_data(recipe, valid="/nope"), run)
        == "data.valid: there is no /nope; name a folder of images or a packed store: "
        "data.valid=PATH"
    )
    assert refused(with_data(recipe, train=[str(empty)]), run).startswith(f"no images in {empty}")
    assert "not a packed store" in refused(
        with_data(recipe, train=[str(pictures / "face.png")]), run
    )
    assert "choose a smaller data.patch" in refused(with_data(recipe, patch=500), run)
    assert "channels" in refused(with_model(recipe, channels=1), run)
    assert "did you mean 'width'?" in refused(with_model(recipe, widht=1), run)
    assert "give exactly one of" in refused(replace(recipe, budget=BudgetConfig()), run)
    write(empty / "tiny.png", Picture(np.zeros((14, 40, 3), np.uint8)))
    assert refused(with_data(recipe, valid=str(empty)), run) == (
        "data.valid: tiny: measuring needs 15 px on each side"
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_device_that_is_not_there(recipe: Recipe, tmp_path: Path) -> None:
    message = refused(replace(recipe, device="cuda"), tmp_path / "run")
    assert re.search("PyTorch finds no cuda here", message)


BLOCKED = ["pyvips", "pydantic", "rich", "typer", "yaml", "openvino", "safetensors"]

TRAIN_ON_STORES = f"""
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

class Block(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f"blocked: {{name}}", name=name)

sys.meta_path.insert(0, Block())
import scalewise.models
from scalewise.training.config import *
from scalewise.training.build import prepare

store, run = sys.argv[1:]
trainer = prepare(
    Recipe(
        model=ModelConfig(name="scn_exact", settings=dict(width=4, blocks=1, levels=2)),
        data=DataConfig(train=[store], valid=store, patch=8, batch=2),
        budget=BudgetConfig(steps=2),
    ),
    Path(run),
)
trainer.train()
print(trainer.step, trainer.best > 20)
"""


def test_packed_stores_need_torch_and_numpy_alone(pictures: Path, tmp_path: Path) -> None:
    store = tmp_path / "train.pack"
    pack([find_dataset(pictures)], store, [2])
    command = [sys.executable, "-c", TRAIN_ON_STORES, str(store), str(tmp_path / "run")]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.stderr == ""
    assert said.stdout == "2 True\n"


def test_a_pack_of_another_folder_is_not_used_again(
    recipe: Recipe, pictures: Path, tmp_path: Path
) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    other.mkdir()
    write(other / "grey.png", Picture(np.full((64, 64, 3), 200, np.uint8)))
    recipe = with_data(replace(recipe, budget=BudgetConfig(steps=1)), valid=None)
    open_run(recipe, run).train()
    changed = with_data(replace(recipe, budget=BudgetConfig(steps=2)), train=[str(other)])
    with pytest.raises(ScalewiseError, match="run with other settings"):
        open_run(changed, run)
    assert len(Store(run / "train-0.pack")) == 2  # nor is anything packed for what is refused
    trainer = open_run(changed, run, accept_changes=True)
    assert [entry.name for entry in trainer.sampler.stores[0].entries] == ["grey"]
    with pytest.raises(ScalewiseError, match=f"train-0.pack: packed from {other}, but the best"):
        _open_stores([str(pictures)], run)  # of the best weights, which are older

    packed = (run / "train-0.pack").stat().st_ino
    worker = World(rank=1, size=2)  # which sees the folder under another name, if at all
    prepare(recipe, run, reuse_packed=True, world=worker)
    prepare(changed, run, reuse_packed=True)
    assert (run / "train-0.pack").stat().st_ino == packed
    prepare(with_data(changed, squash=32, patch=32, augment=False), run, reuse_packed=True)
    assert Store(run / "train-0.pack").squash == 32
