"""Downloads of released models from the Hugging Face Hub, by ``hf-hub:owner/name``.

Only the files of a release are downloaded, and none of them is a pickle.  ``HF_ENDPOINT`` names
another server.  ``HF_HUB_OFFLINE=1`` forbids downloads: then only earlier downloads are used.
"""

from __future__ import annotations

import os
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from scalewise.atomic import link_or_copy
from scalewise.errors import ScalewiseError, requiring
from scalewise.weights.card import CARD_FILE, GRAPH_FILE, INT8_FILE, WEIGHTS_FILE, read_card

HUB = "hf-hub:"
"""Start of a reference to a model on the hub, as timm writes it."""

_REFERENCE = re.compile(r"hf-hub:[\w.-]+/[\w.-]+(@[^@\s]+)?")
_ANSWER_SECONDS = 5.0
"""Time in which the hub must answer; HF_HUB_ETAG_TIMEOUT sets another one."""

FILES = (WEIGHTS_FILE, GRAPH_FILE, INT8_FILE)
"""The files that a card may name; other files on the hub are not downloaded."""


@cache  # a process looks a model up several times, and it must stay the same
def download_release(reference: str) -> Path:
    """Return the folder of a model on the hub; download it if needed.

    Args:
        reference: ``hf-hub:owner/name``, with ``@revision`` (a branch, tag or commit) or without.

    Raises:
        ScalewiseError: no such model, not a released model, no network, or no huggingface_hub.
    """
    if _REFERENCE.fullmatch(reference) is None:
        raise ScalewiseError(f"{reference}: write hf-hub:owner/name, perhaps with @revision")
    name, _, revision = reference.removeprefix(HUB).partition("@")
    with requiring("huggingface_hub", f"{reference}: loading from the Hugging Face Hub"):
        from huggingface_hub import errors

        client: Any = import_module("huggingface_hub")  # has no full types

    endpoint = os.environ.get("HF_ENDPOINT")
    local = not _answers(client, name, revision or None, endpoint)

    def fetch(file: str, revision: str | None) -> Path:
        options = {"revision": revision, "endpoint": endpoint, "local_files_only": local}
        return Path(client.hf_hub_download(name, file, **options))

    try:
        card = fetch(CARD_FILE, revision or None)
        commit = card.parent.name
        wanted = [file for file in read_card(card.parent).sha256 if file in FILES]
        return _as_folder([card, *(fetch(file, commit) for file in wanted)])
    except errors.HFValidationError as error:
        raise ScalewiseError(
            f"{reference}: write hf-hub:owner/name, perhaps with @revision"
        ) from error
    except errors.GatedRepoError as error:
        raise ScalewiseError(
            f"{reference}: access is restricted; ask for it there, and log in by 'hf auth login'"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ScalewiseError(f"{reference}: the model has no such revision") from error
    except errors.RepositoryNotFoundError as error:
        raise ScalewiseError(
            f"{reference}: there is no such model on the hub, or it is private"
        ) from error
    except errors.RemoteEntryNotFoundError as error:
        raise ScalewiseError(
            f"{reference}: not a released model of scalewise ({CARD_FILE} or its files are missing)"
        ) from error
    except errors.LocalEntryNotFoundError as error:
        raise ScalewiseError(
            f"{reference}: not downloaded before, and the hub cannot be reached; "
            "check the network, HF_ENDPOINT and HF_HUB_OFFLINE"
        ) from error
    except (errors.HfHubHTTPError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ScalewiseError(f"{reference}: the download failed ({reason})") from error


def _answers(client: Any, name: str, revision: str | None, endpoint: str | None) -> bool:
    """Return whether the hub answers at once: its client would retry for half a minute.

    If it does not, what was downloaded before is used.
    """
    asked = "HF_HUB_ETAG_TIMEOUT" in os.environ
    seconds = client.constants.HF_HUB_ETAG_TIMEOUT if asked else _ANSWER_SECONDS
    url = client.hf_hub_url(name, CARD_FILE, revision=revision, endpoint=endpoint)
    try:
        client.get_hf_file_metadata(url, timeout=seconds)
    except client.errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", 500)
        return status < 500  # the download explains others, such as a model that is not there
    except Exception:  # of the HTTP library, which differs among versions of the client
        return False
    return True


def _as_folder(files: list[Path]) -> Path:
    """Return a folder with the downloaded files themselves; the hub's cache has only links.

    A graph names a weights file in its own folder, and OpenVINO follows a link before it looks.
    """
    snapshot = files[0].parent
    folder = snapshot.parents[1] / "scalewise" / snapshot.name
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        if not (folder / file.name).exists():
            link_or_copy(file.resolve(), folder / file.name)
    return folder
