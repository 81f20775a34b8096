"""A server that speaks as much of the Hugging Face Hub's HTTP as its client needs to download."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

FILE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


class Hub:
    """The models on the server, and what was asked of it.

    Attributes:
        models: name -> revision -> file -> content; revision ``main`` is the newest.
        requests: paths of the files that were downloaded.
    """

    def __init__(self) -> None:
        self.models: dict[str, dict[str, dict[str, bytes]]] = {}
        self.downloads: list[str] = []
        self.endpoint = ""

    def commit(self, name: str, revision: str) -> str:
        """The commit that a revision stands for; it may be a commit itself."""
        revisions = self.models[name]
        commits = {hashlib.sha1(f"{name} {each}".encode()).hexdigest(): each for each in revisions}
        if revision in commits:
            return revision
        return next(commit for commit, each in commits.items() if each == revision)

    def files(self, name: str, revision: str) -> dict[str, bytes]:
        """The files of a revision.

        Raises:
            KeyError: no such model, or no such revision.
        """
        for each, files in self.models[name].items():
            if revision in (each, self.commit(name, each)):
                return files
        raise KeyError(revision)


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        if file := FILE.fullmatch(self.path):
            name, revision, path = file.groups()
            if (files := self._files(name, revision)) is None:
                return
            if path not in files:
                self._send(404, b"", with_body, {"X-Error-Code": "EntryNotFound"})
                return
            if with_body:
                self.hub.downloads.append(path)
            tag = hashlib.sha1(files[path]).hexdigest()
            commit = self.hub.commit(name, revision)
            self._send(200, files[path], with_body, {"ETag": f'"{tag}"', "X-Repo-Commit": commit})
        else:
            self._send(404, b"", with_body, {})

    def _files(self, name: str, revision: str) -> dict[str, bytes] | None:
        try:
            return self.hub.files(name, revision)
        except KeyError:
            missing = "RevisionNotFound" if name in self.hub.models else "RepoNotFound"
            self._send(404, b"", True, {"X-Error-Code": missing, "X-Error-Message": missing})
            return None

    def _send(self, status: int, content: bytes, with_body: bool, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, format: str, *_: object) -> None:
        pass


@contextmanager
def serving() -> Generator[Hub, None, None]:
    """Serve an empty hub on a free port."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        hub.endpoint = f"http://127.0.0.1:{server.server_port}"
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
