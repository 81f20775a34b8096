"""Released models from the Hugging Face Hub: from a server beside the tests, and without one."""

from __future__ import annotations

import builtins
import json
import pickle
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scalewise
from scalewise.errors import ScalewiseError
from scalewise.weights import resolve
from scalewise.weights.card import CARD_FILE
from scalewise.weights.hub import FILES
from tests.weights.hub_server import Hub, serving

huggingface_hub = pytest.importorskip("huggingface_hub")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub that the client asks, and a cache of its own."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    with serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


class Harmful:
    """A pickle that does something when it is read."""

    def __reduce__(self) -> Any:
        return (Path("harm-done").touch, ())


@pytest.fixture
def published(hub: Hub, small_release: Path, request: pytest.FixtureRequest) -> str:
    """A small model on the hub, with other files beside it, under a name of the test's own."""
    name = f"people/{request.node.name.partition('[')[0]}"
    files = {path.name: path.read_bytes() for path in small_release.iterdir()}
    others = {
        "best.pt": pickle.dumps(Harmful()),
        "pytorch_model.bin": pickle.dumps(Harmful()),
        "setup.py": b"raise SystemExit",
        "inner/card.json": b"{}",
    }
    older = json.loads(files[CARD_FILE])
    older["summary"] = "An older one."
    hub.models[name] = {
        "main": {**files, **others},
        "v1": {**files, CARD_FILE: json.dumps(older).encode()},
    }
    return name


def test_a_model_on_the_hub_restores_as_its_folder_does(
    hub: Hub, published: str, small_release: Path
) -> None:
    image = np.random.default_rng(0).integers(0, 255, (20, 24, 3), dtype=np.uint8)
    expected = scalewise.load(small_release).restore(image)
    restored = scalewise.load(f"hf-hub:{published}").restore(image)
    np.testing.assert_array_equal(restored, expected)
    assert set(hub.downloads) <= {CARD_FILE, *FILES}  # no pickle, no code
    assert not Path("harm-done").exists()
    folder, card = resolve(f"hf-hub:{published}")
    assert card == resolve(small_release).card
    assert {path.name for path in folder.iterdir()} == set(hub.downloads)
    network = scalewise.create_model(f"hf-hub:{published}", pretrained=True)
    assert not network.training
    assert network.parameter_count == card.parameters


def test_a_revision(published: str) -> None:
    assert resolve(f"hf-hub:{published}").card.summary != "An older one."
    assert resolve(f"hf-hub:{published}@v1").card.summary == "An older one."


def test_what_was_downloaded_is_there_without_a_network(
    hub: Hub, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scalewise.weights.hub import download_release

    first = download_release.__wrapped__(f"hf-hub:{published}")  # as in a process of its own
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert download_release.__wrapped__(f"hf-hub:{published}") == first
    with pytest.raises(ScalewiseError, match=r"^hf-hub:people/other: not downloaded before, and"):
        resolve("hf-hub:people/other")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("hf-hub:people/nothing", "hf-hub:people/nothing: there is no such model on the hub, or"),
        ("hf-hub:{name}@v9", "@v9: the model has no such revision$"),
        ("hf-hub:people/no/such/name", "write hf-hub:owner/name, perhaps with @revision$"),
        ("hf-hub:people/bare", r"bare: not a released model of scalewise \(card.json or"),
    ],
)
def test_what_is_not_there_is_one_clear_line(
    hub: Hub, published: str, reference: str, message: str
) -> None:
    hub.models["people/bare"] = {"main": {"pytorch_model.bin": pickle.dumps(Harmful())}}
    with pytest.raises(ScalewiseError, match=message) as caught:
        scalewise.load(reference.format(name=published))
    assert len(str(caught.value).splitlines()) == 1
    assert hub.downloads == []


@pytest.mark.parametrize(
    "reference", ["hf-hub:", "hf-hub:x", "hf-hub:a/b/c", "hf-hub:a/b@", "hf-hub:a b/c"]
)
def test_what_names_no_model_is_refused_without_a_network(
    reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub, "hf_hub_url", None)  # and so the network is not asked
    with pytest.raises(ScalewiseError, match=r"write hf-hub:owner/name, perhaps with @revision$"):
        resolve(reference)


def test_a_server_that_is_not_there(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    start = time.monotonic()
    with pytest.raises(ScalewiseError, match=r"cannot be reached; check the network, HF_ENDPOINT"):
        resolve("hf-hub:people/unreachable")
    assert time.monotonic() < start + 6


def test_a_server_that_does_not_answer(
    hub: Hub, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Downloads of before are used; for others it is one line, after a while."""
    from scalewise.weights.hub import download_release

    first = download_release(f"hf-hub:{published}")
    monkeypatch.setattr("scalewise.weights.hub._ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        assert download_release.__wrapped__(f"hf-hub:{published}") == first
        with pytest.raises(ScalewiseError, match="not downloaded before, and the hub cannot be"):
            resolve("hf-hub:people/silent")
        assert time.monotonic() < start + 6


def test_a_file_that_is_not_the_cards(hub: Hub, published: str) -> None:
    hub.models[published]["main"]["weights.safetensors"] += b"0"
    with pytest.raises(ScalewiseError, match=r"weights.safetensors: damaged"):
        scalewise.create_model(f"hf-hub:{published}", pretrained=True)


def test_without_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    import_module = builtins.__import__

    def absent(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "huggingface_hub":
            raise ModuleNotFoundError("no huggingface_hub", name="huggingface_hub")
        return import_module(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    message = r"^hf-hub:a/b: loading from the Hugging Face Hub needs huggingface_hub: pip install"
    with pytest.raises(ScalewiseError, match=message):
        resolve("hf-hub:a/b")
