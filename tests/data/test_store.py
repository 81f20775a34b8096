"""The packed store: what goes in comes out, and what cannot is said."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import PackSummary, pack
from scalewise.data.store import MAGIC, Store
from scalewise.errors import ScalewiseError
from scalewise.files import Picture, write
from scalewise.imaging.protocols import PROTOCOLS, squashing
from scalewise.imaging.resize import imresize


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, Picture(pixels))


def pack_folder(folder: Path, *scales: int) -> tuple[Store, PackSummary]:
    out = folder.with_suffix(".pack")
    summary = pack([find_dataset(folder)], out, scales, workers=2)
    return Store(out), summary


def test_round_trip_with_lr_made_by_imresize(tmp_path: Path) -> None:
    pictures = {"a": noise(37, 50, 3, seed=1), "b/c": noise(24, 31, 3, seed=2)}
    for name, pixels in pictures.items():
        save(tmp_path / f"set/{name}.png", pixels)
    (tmp_path / "set/MANIFEST.csv").write_text("file,licence\nb/c.png,CC0\n")
    store, summary = pack_folder(tmp_path / "set", 2, 3)

    assert len(store) == summary.images == 2
    assert store.scales == (2, 3)
    assert store.licences == {"": 1, "CC0": 1}
    assert summary.megapixels == pytest.approx((37 * 50 + 24 * 31) / 1e6)
    assert summary.bytes == store.path.stat().st_size
    assert store.lr_shapes(3) == [(12, 16), (8, 10)]
    for index, (name, pixels) in enumerate(pictures.items()):
        assert store.entries[index].name == name
        np.testing.assert_array_equal(store.hr(index), pixels)
        np.testing.assert_array_equal(store.lr(index, 1), pixels)
        for scale in (2, 3):
            height, width = pixels.shape[0] // scale, pixels.shape[1] // scale
            made = imresize(pixels[: height * scale, : width * scale], 1 / scale)
            np.testing.assert_array_equal(store.lr(index, scale), made)


def test_lr_files_are_used_and_misfits_skipped(tmp_path: Path) -> None:
    lr = {"a": noise(10, 12, 3, seed=3), "rounded_up": noise(11, 13, 3, seed=4)}
    save(tmp_path / "set/HR/a.png", noise(20, 24, 3))
    save(tmp_path / "set/HR/rounded_up.png", noise(21, 25, 3))
    save(tmp_path / "set/HR/other.png", noise(20, 24, 3))
    save(tmp_path / "set/LR_bicubic/X2/ax2.png", lr["a"])
    save(tmp_path / "set/LR_bicubic/X2/rounded_upx2.png", lr["rounded_up"])
    save(tmp_path / "set/LR_bicubic/X2/otherx2.png", noise(8, 12, 3))
    store, summary = pack_folder(tmp_path / "set", 2)

    assert [entry.name for entry in store.entries] == ["a", "rounded_up"]
    np.testing.assert_array_equal(store.lr(0, 2), lr["a"])
    np.testing.assert_array_equal(store.lr(1, 2), lr["rounded_up"][:10, :12])
    (reason,) = summary.skipped
    assert reason.endswith("otherx2.png: 12x8; x2 of its HR (24x20) is 12x10")


@pytest.mark.parametrize("squash", [256, 12])
def test_squashed_pairs_are_the_protocols(
    tmp_path: Path, photo: NDArray[np.uint8], squash: int
) -> None:
    hr = {"a": photo[:301, :420], "b": photo[100:180, 50:151]}
    lr = {"a": noise(150, 210, 3), "b": None}
    save(tmp_path / "set/LR_bicubic/X2/ax2.png", noise(150, 210, 3))
    save(tmp_path / "set/HR/a.png", hr["a"])
    save(tmp_path / "other/b.png", hr["b"])
    datasets = [find_dataset(tmp_path / name) for name in ("set", "other")]
    pack(datasets, tmp_path / "out.pack", [2], squash=squash)
    store = Store(tmp_path / "out.pack")
    assert store.squash == squash
    protocol = PROTOCOLS.get(f"squash{squash}") or squashing(squash)
    for index, name in enumerate("ab"):
        small, large = protocol.prepare(hr[name], lr[name], 2)
        np.testing.assert_array_equal(store.lr(index, 2), small)
        np.testing.assert_array_equal(store.hr(index), large)
        assert (small.shape[:2], large.shape[:2]) == ((squash,) * 2, (2 * squash,) * 2)


@pytest.mark.parametrize("scales", [[], [3], [2, 3]])
def test_squashing_is_for_x2(tmp_path: Path, scales: list[int]) -> None:
    save(tmp_path / "set/a.png", noise(20, 24, 3))
    with pytest.raises(ScalewiseError, match="squashed images are for x2 alone"):
        pack([find_dataset(tmp_path / "set")], tmp_path / "out.pack", scales, squash=12)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_store_that_says_nothing_of_squashing_is_not_squashed(tmp_path: Path) -> None:
    save(tmp_path / "set/a.png", noise(20, 24, 3))
    store, _ = pack_folder(tmp_path / "set", 2)
    assert b"squash" not in store.path.read_bytes()
    assert store.squash is None


def test_deep_grey_and_transparent_pictures_become_8_bit_rgb(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (8, 9, 3)).astype(np.uint16)
    grey, rgba = noise(8, 9, 1), noise(8, 9, 4)
    save(tmp_path / "set/deep.png", deep)
    save(tmp_path / "set/grey.png", grey)
    save(tmp_path / "set/rgba.png", rgba)
    store, _ = pack_folder(tmp_path / "set")
    np.testing.assert_array_equal(store.hr(0), np.floor(deep / 257 + 0.5))
    np.testing.assert_array_equal(store.hr(1), np.repeat(grey, 3, axis=2))
    np.testing.assert_array_equal(store.hr(2), rgba[..., :3])


def test_unusable_pictures_are_skipped_with_their_reason(tmp_path: Path) -> None:
    save(tmp_path / "set/fine.png", noise(8, 8, 3))
    save(tmp_path / "set/flat.png", noise(1, 8, 3))
    (tmp_path / "set/torn.png").write_bytes((tmp_path / "set/fine.png").read_bytes()[:90])
    store, summary = pack_folder(tmp_path / "set", 2)
    assert [entry.name for entry in store.entries] == ["fine"]
    assert len(summary.skipped) == 2
    assert summary.skipped[0].endswith("flat.png: too small to shrink by 2")
    assert "torn.png: " in summary.skipped[1]


def test_nothing_usable_leaves_no_file(tmp_path: Path) -> None:
    save(tmp_path / "set/flat.png", noise(1, 8, 3))
    with pytest.raises(ScalewiseError, match=r"no usable image among 1: .*flat.png: too small"):
        pack_folder(tmp_path / "set", 2)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_failed_packing_leaves_an_older_store_as_it_was(tmp_path: Path) -> None:
    save(tmp_path / "set/a.png", noise(8, 8, 3))
    store, _ = pack_folder(tmp_path / "set", 2)
    before = store.path.read_bytes()

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack([find_dataset(tmp_path / "set")], store.path, [2], progress=interrupt)
    assert store.path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set", "set.pack"]


def test_a_missing_output_folder_is_made(tmp_path: Path) -> None:
    save(tmp_path / "set/a.png", noise(8, 8, 3))
    pack([find_dataset(tmp_path / "set")], tmp_path / "new/folder/out.pack", [2])
    assert len(Store(tmp_path / "new/folder/out.pack")) == 1


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_cut_off_stores_are_refused(tmp_path: Path, kept: int) -> None:
    save(tmp_path / "set/a.png", noise(8, 8, 3))
    store, _ = pack_folder(tmp_path / "set", 2)
    torn = tmp_path / "torn.pack"
    torn.write_bytes(store.path.read_bytes()[:kept])
    with pytest.raises(ScalewiseError, match=r"torn.pack: "):
        Store(torn)


def test_missing_scales_and_files_are_named(tmp_path: Path) -> None:
    save(tmp_path / "set/a.png", noise(12, 12, 3))
    store, _ = pack_folder(tmp_path / "set", 3)
    with pytest.raises(ScalewiseError, match=r"holds x3, not x2; pack again with scale=2"):
        store.lr_shapes(2)
    with pytest.raises(ScalewiseError, match=r"none.pack: cannot open the packed store"):
        Store(tmp_path / "none.pack")


def test_progress_is_reported(tmp_path: Path) -> None:
    for name in "abc":
        save(tmp_path / f"set/{name}.png", noise(8, 8, 3))
    seen: list[tuple[int, int]] = []
    pack(
        [find_dataset(tmp_path / "set")],
        tmp_path / "out.pack",
        [2],
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_only_another_store_is_replaced(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in/a.png", Picture(photo[:40, :40]))
    mine = (tmp_path / "in/a.png").read_bytes()
    datasets = [find_dataset(tmp_path / "in")]
    with pytest.raises(ScalewiseError, match="exists and is not a packed store"):
        pack(datasets, tmp_path / "in/a.png", [2])
    assert (tmp_path / "in/a.png").read_bytes() == mine
    with pytest.raises(ScalewiseError, match="in: is a folder; name a file in it"):
        pack(datasets, tmp_path / "in", [2])
    for _ in range(2):
        assert pack(datasets, tmp_path / "out.pack", [2]).images == 1


def test_two_packings_into_one_file_do_not_mix(tmp_path: Path) -> None:
    for name, level in (("a", 10), ("b", 200)):
        for index in range(4):
            save(tmp_path / f"{name}/{index}.png", np.full((64, 64, 3), level, np.uint8))
    out = tmp_path / "out.pack"

    def pack_the_other(done: int, total: int) -> None:
        if done == 1:
            pack([find_dataset(tmp_path / "b")], out, [2])
            assert {int(Store(out).hr(index).mean()) for index in range(4)} == {200}

    pack([find_dataset(tmp_path / "a")], out, [2], progress=pack_the_other)
    store = Store(out)
    assert {int(store.hr(index).mean()) for index in range(len(store))} == {10}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "out.pack"]

    out.unlink()
    with pytest.raises(ScalewiseError, match=r"out\.pack: exists already"):
        pack([find_dataset(tmp_path / "a")], out, [2], progress=pack_the_other, overwrite=False)
    assert int(Store(out).hr(0).mean()) == 200


def index_of(content: bytes) -> dict[str, Any]:
    (length,) = struct.unpack("<Q", content[-16:-8])
    return json.loads(content[-16 - length : -16])


def with_index(content: bytes, index: object) -> bytes:
    (length,) = struct.unpack("<Q", content[-16:-8])
    text = json.dumps(index).encode()
    return content[: -16 - length] + text + struct.pack("<Q", len(text)) + MAGIC


def edited(content: bytes, key: str, value: object) -> bytes:
    index = index_of(content)
    (index["entries"][0] if key in index["entries"][0] else index)[key] = value
    return with_index(content, index)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "no start": lambda content: content[1000:],
    "half missing": lambda content: content[len(content) // 2 :],
    "a middle part missing": lambda content: content[:500] + content[1500:],
    "another start": lambda content: b"x" + content[1:],
    "not UTF-8": lambda content: content[:-20] + b"\xff" + content[-19:],
    "not JSON": lambda content: content[:-20] + b"{" + content[-19:],
    "a long index": lambda content: content[:-16] + struct.pack("<Q", 2**40) + MAGIC,
    "a list": lambda content: with_index(content, []),
    "no entries": lambda content: with_index(content, {"scales": [2]}),
    "outside": lambda content: edited(content, "hr", [40, 40, 10**9]),
    "before": lambda content: edited(content, "hr", [40, 40, -4800]),
    "negative": lambda content: edited(content, "hr", [-40, -40, 8]),
    "not whole": lambda content: edited(content, "hr", [40, 40, 8.5]),
    "two numbers": lambda content: edited(content, "lr", {"2": [20, 20]}),
    "no LR": lambda content: edited(content, "lr", {}),
    "no teacher": lambda content: edited(content, "teacher", {"name": "x"}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_store_is_neither_opened_nor_replaced(tmp_path: Path, damage: str) -> None:
    save(tmp_path / "set/a.png", noise(40, 40, 3))
    store, _ = pack_folder(tmp_path / "set", 2)
    path, content = tmp_path / "damaged.pack", store.path.read_bytes()
    path.write_bytes(DAMAGES[damage](content))
    with pytest.raises(ScalewiseError, match=r"damaged\.pack: not a packed store, or damaged"):
        Store(path)
    with pytest.raises(ScalewiseError, match="exists and is not a packed store"):
        pack([find_dataset(tmp_path / "set")], path, [2])
    path.write_bytes(with_index(content, index_of(content)))
    np.testing.assert_array_equal(Store(path).lr(0, 2), store.lr(0, 2))
