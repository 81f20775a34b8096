"""Networks in and out of released folders."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

import scalewise.models
from scalewise.errors import ScalewiseError, ScalewiseWarning
from scalewise.models import create_model
from scalewise.restoring.loading import LoadOptions, load
from scalewise.restoring.runtime import OpenVinoRuntime
from scalewise.weights import find_release, resolve
from scalewise.weights.card import (
    GRAPH_FILE,
    INT8_FILE,
    checked_file,
    read_card,
    sha256,
    with_scores,
)
from scalewise.weights.card_page import write_card
from scalewise.weights.release import add_int8, load_network, write_release
from scalewise.weights.resolve import RELEASES
from tests.weights.test_card import score


def test_a_release_gives_the_network_back(small_release: Path, tmp_path: Path) -> None:
    network = load_network(small_release)
    card = read_card(small_release)
    again = write_release(
        network,
        tmp_path / "again",
        name="small",
        summary=card.summary,
        licence=card.licence,
        training=card.training,
    )
    assert again == card  # checksums too: the same weights make the same files
    image = torch.rand(1, 3, 13, 10)
    with torch.no_grad():
        assert torch.equal(load_network(tmp_path / "again")(image), network(image))


def test_the_released_weights_are_in_the_released_graphs(photo: NDArray[np.uint8]) -> None:
    """Weights and graph of the package's models agree: one is the other's export."""
    for card in scalewise.list_models():
        network = load_network(card.name)
        cut = photo[100 : 100 + 8 * card.multiple, 100 : 100 + 6 * card.multiple]
        image = torch.from_numpy(cut.transpose(2, 0, 1)[None] / np.float32(255))
        with torch.no_grad():
            expected = network(image).numpy()
        folder = find_release(card.name)
        assert abs(OpenVinoRuntime(folder / GRAPH_FILE)(image.numpy()) - expected).max() < 1e-4
        if INT8_FILE in card.sha256:
            rounded = OpenVinoRuntime(folder / INT8_FILE)(image.numpy())
            assert abs(rounded - expected).mean() < 3e-3


def test_int8_is_a_second_graph(
    small_release: Path, batches: list[NDArray[np.float32]], tmp_path: Path
) -> None:
    folder = tmp_path / "small"
    shutil.copytree(small_release, folder)
    card = add_int8(folder, batches)
    assert read_card(folder) == card
    assert card.sha256 == {
        **read_card(small_release).sha256,
        INT8_FILE: sha256(folder / INT8_FILE),
    }
    assert INT8_FILE in (folder / "README.md").read_text()

    photo = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
    exact = load(folder, LoadOptions(precision="f32")).restore(photo)
    rounded = load(folder, LoadOptions(precision="int8", tile=32)).restore(photo)
    error = np.abs(rounded.astype(int) - exact)
    assert 0 < error.max() < 24
    assert error.mean() < 2
    with pytest.raises(ScalewiseError, match="'scalewise quantize' makes one"):
        load(small_release, LoadOptions(precision="int8"))

    kept = score("small", 32.0)
    write_card(with_scores(card, [replace(kept, precision="int8"), kept]), folder)
    # Scores of the old graph are not the new one's.
    assert add_int8(folder, batches).scores == [kept]
    (folder / INT8_FILE).write_bytes(b"")
    with pytest.raises(ScalewiseError, match=r"model\.int8\.onnx: damaged"):
        load(folder, LoadOptions(precision="int8"))

    write_release(
        load_network(folder),
        folder,
        name="small",
        summary=card.summary,
        licence=card.licence,
        training=card.training,
        overwrite=True,
    )
    assert not (folder / INT8_FILE).exists()  # nor may it stay beside other weights


def test_a_release_is_written_whole_or_not_at_all(
    small_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, training = load_network(small_release), read_card(small_release).training
    texts = {"name": "small", "summary": "A test.", "licence": "CC0"}
    broken = replace(training, recipe={"data": {}}, validated=30.0)  # no page can be made of it
    with pytest.raises(KeyError):
        write_release(network, tmp_path / "new", **texts, training=broken)
    assert not [*tmp_path.iterdir()]

    folder = tmp_path / "small"
    shutil.copytree(small_release, folder)
    (folder / "notes.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ScalewiseError, match=r"card\.json: exists already; .* overwrite=True"):
        write_release(network, folder, **texts, training=training)
    with pytest.raises(KeyError):
        write_release(network, folder, **texts, training=broken, overwrite=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before

    (folder / "card.json").unlink()
    (folder / "weights.safetensors").unlink()
    (folder / "model.onnx").unlink()
    with pytest.raises(ScalewiseError, match=r"README\.md: exists already"):  # of other things
        write_release(network, folder, **texts, training=training)
    write_release(network, folder, **texts, training=training, overwrite=True)
    assert sorted(path.name for path in folder.iterdir()) == sorted(before)


def test_a_full_disk_names_the_folder(
    small_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    network, training = load_network(small_release), read_card(small_release).training
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space") as raised:
        write_release(
            network, tmp_path / "new", name="a", summary="b", licence="CC0", training=training
        )
    assert raised.value.filename == str(tmp_path / "new")
    assert not [*tmp_path.iterdir()]


def test_a_path_names_a_folder_of_one_s_own_beside_a_packaged_model(
    small_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(small_release, tmp_path / "scn_x2")
    monkeypatch.chdir(tmp_path)
    assert find_release("scn_x2") == RELEASES / "scn_x2"
    own = tmp_path / "scn_x2"
    assert find_release("./scn_x2") == find_release(find_release("./scn_x2")) == own
    assert resolve("./scn_x2/weights.safetensors").folder == own
    with pytest.raises(ScalewiseError, match="no such file or folder"):
        find_release("./denoise")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ScalewiseError, match=r"empty: a folder without card\.json"):
        find_release("empty")


def test_what_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match="unknown model 'nothing'"):
        load_network("nothing")
    with pytest.raises(ScalewiseError, match="a model is a name or a folder, not 2"):
        find_release(2)  # pyright: ignore[reportArgumentType]
    (tmp_path / "noise.pt").write_bytes(b"noise")
    with pytest.raises(ScalewiseError, match=r"noise\.pt: a file, not a released model's"):
        find_release(tmp_path / "noise.pt")
    with pytest.raises(ScalewiseError, match=r"noise\.pt: not a PyTorch checkpoint"):
        load_network(tmp_path / "noise.pt")
    (tmp_path / "noise.png").write_bytes(b"noise")
    for opener in (resolve, load_network):
        with pytest.raises(ScalewiseError, match=r"noise\.png: not a model; .* \(\.onnx \.xml\)"):
            opener(tmp_path / "noise.png")
    torch.save(
        {"recipe": {"model": {"name": "scn_exact", "settings": {}}}, "ema": {}}, tmp_path / "e.pt"
    )
    with pytest.raises(ScalewiseError, match=r"e\.pt: weights do not fit ScnExact"):
        load_network(tmp_path / "e.pt")


def test_a_file_of_released_weights(small_release: Path, tmp_path: Path) -> None:
    weights = small_release / "weights.safetensors"
    assert load_network(weights).settings == load_network(small_release).settings
    assert resolve(weights) == resolve(small_release)
    copy = tmp_path / "mine.safetensors"
    copy.write_bytes((find_release("scn_fast_x2") / "weights.safetensors").read_bytes())
    assert load_network(copy).settings == load_network("scn_fast_x2").settings  # by its digest
    copy.write_bytes(weights.read_bytes())
    with pytest.warns(ScalewiseWarning, match="usual 3 are assumed"):
        load_network(copy)  # by its names and shapes
    save_file(create_model("plain", width=4, convolutions=2).state_dict(), copy)
    with pytest.raises(ScalewiseError, match=r"mine\.safetensors: .* card\.json"):
        load_network(copy)
    with pytest.raises(ScalewiseError, match="trained with levels=3, not 2"):
        load_network("scn_x2", levels=2)


def test_corrupt_tensors(small_release: Path, tmp_path: Path) -> None:
    for path in small_release.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ScalewiseError, match=r"weights\.safetensors: damaged"):
        load_network(tmp_path)


@pytest.mark.parametrize("at", range(1, 8))
def test_no_card_is_seen_with_files_of_another_model(
    small_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Each rename may be the last before the process is killed, or fail."""
    network, training = load_network(small_release), read_card(small_release).training
    folder = tmp_path / "small"
    shutil.copytree(small_release, folder)
    (folder / "README.md").unlink()  # a file that is not there before is not there after
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with torch.no_grad():
        next(network.parameters()).add_(1)
    rename, count = Path.replace, 0

    def replace_or_fail(self: Path, target: Path) -> Path:
        nonlocal count
        if folder in (self.parent, target.parent):
            check_files(folder)
            count += 1
            if count == at:
                raise PermissionError(errno.EACCES, "in use", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", replace_or_fail)
    texts = {"name": "small", "summary": "A test.", "licence": "CC0"}
    with pytest.raises(PermissionError):
        write_release(network, folder, **texts, training=training, overwrite=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    write_release(network, folder, **texts, training=training, overwrite=True)
    check_files(folder)


def check_files(folder: Path) -> None:
    """Check that a release's files are those that its card lists, if it has a card."""
    if (folder / "card.json").exists():
        for name in read_card(folder).sha256:
            checked_file(folder, read_card(folder), name)


def test_a_second_int8_graph_replaces_the_first_whole(
    small_release: Path,
    batches: list[NDArray[np.float32]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "small"
    shutil.copytree(small_release, folder)
    rename = Path.replace

    def checked(self: Path, target: Path) -> Path:
        check_files(folder)
        moved = rename(self, target)
        check_files(folder)
        return moved

    monkeypatch.setattr(Path, "replace", checked)
    first = add_int8(folder, batches)
    assert add_int8(folder, batches[:1]).sha256.keys() == first.sha256.keys()
    check_files(folder)
