"""HTTP semantics: HEAD, If-None-Match, gzip; and raw connections."""

from __future__ import annotations

import gzip
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.web.conftest import Server, httpx


def raw(server: Server, sent: bytes, *, until: bytes = b"") -> bytes:
    """What a server answers to these bytes, up to a text or the connection's end."""
    address = urlsplit(server.address)
    with socket.create_connection((address.hostname, address.port), timeout=60) as client:
        client.sendall(sent)
        taken = b""
        while (content := client.recv(2**16)) and not (until and until in taken + content):
            taken += content
        return taken + content


@pytest.fixture(scope="module")
def result(server: Server, pictures: Path) -> str:
    """The address of a finished job."""
    job = server.send(pictures / "a.png", task="upscale").json()["id"]
    assert server.done(job)["state"] == "done"
    return f"v1/jobs/{job}"


@pytest.mark.parametrize(
    "path",
    ["", "page/main.js", "v1/jobs", "v1/limits", "openapi.json", "RESULT", "RESULT/result"],
)
def test_head_is_the_head_of_get(server: Server, result: str, path: str) -> None:
    url = server.url(path.replace("RESULT", result))
    plain = {"Accept-Encoding": "identity"}
    get, head = httpx.get(url, headers=plain), httpx.head(url, headers=plain)
    assert get.status_code == head.status_code == 200
    assert head.content == b""
    ignored = ("date",)
    assert {k: v for k, v in head.headers.items() if k not in ignored} == {
        k: v for k, v in get.headers.items() if k not in ignored
    }


def test_head_of_what_has_no_end_ends(server: Server) -> None:
    head = httpx.head(server.url("v1/events"), timeout=20)
    assert head.status_code == 200
    assert head.headers["content-type"].startswith("text/event-stream")
    assert httpx.head(server.url("v1/nothing")).status_code == 404


def test_other_methods_are_told_which_there_are(server: Server) -> None:
    for path, methods in {
        "": "GET, HEAD",
        "v1/uploads": "GET, HEAD, POST",
        "v1/jobs/x": "GET, HEAD, DELETE",
        "v1/restore": "POST",
    }.items():
        refused = httpx.put(server.url(path))
        assert (refused.status_code, refused.headers["allow"]) == (405, f"{methods}, OPTIONS")
        told = httpx.options(server.url(path))
        assert (told.status_code, told.headers["allow"]) == (204, f"{methods}, OPTIONS")
    assert httpx.options(server.url("v1/nothing")).status_code == 404


def test_an_address_with_a_slash_too_many_is_not_there(server: Server) -> None:
    """A program that follows no redirection would take the empty answer for success."""
    answer = httpx.post(server.url("v1/restore/"), files={"file": ("a.png", b"x")})
    detail = "there is nothing at this address"
    assert (answer.status_code, answer.json()["detail"]) == (404, detail)


def test_ranges_of_a_result(server: Server, result: str) -> None:
    url = server.url(f"{result}/result")
    whole = httpx.get(url).content
    part = httpx.get(url, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, whole[2:6])
    beyond = httpx.get(url, headers={"Range": f"bytes={len(whole)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole)}")
    assert httpx.head(url, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    wrong = httpx.get(url, headers={"Range": "bytes=5-2"})
    assert wrong.status_code == 400
    for answer in (beyond, wrong):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
        assert answer.json()["detail"]


@pytest.mark.parametrize("path", ["", "page/main.js", "page/icon.svg", "RESULT/result"])
def test_what_a_client_has_is_not_sent_again(server: Server, result: str, path: str) -> None:
    url = server.url(path.replace("RESULT", result))
    for encoding in ("identity", "gzip"):
        first = httpx.get(url, headers={"Accept-Encoding": encoding})
        tag = first.headers["etag"]
        assert "no-cache" in first.headers["cache-control"]
        for known in (tag, f'"x", W/{tag.removeprefix("W/")}', "*"):
            headers = {"If-None-Match": known, "Accept-Encoding": encoding}
            again = httpx.get(url, headers=headers)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"].removeprefix("W/") == tag.removeprefix("W/")
            assert again.headers["cache-control"] == first.headers["cache-control"]
            assert "content-length" not in again.headers or again.headers["content-length"] == "0"
        other = httpx.get(url, headers={"If-None-Match": '"x"'})
        assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize("path", ["", "page/style.css", "v1/models", "openapi.json"])
def test_text_is_compressed_for_who_reads_it(server: Server, path: str) -> None:
    plain = httpx.get(server.url(path), headers={"Accept-Encoding": "identity"})
    small = httpx.get(server.url(path), headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < len(plain.content) / 2
    assert small.content == plain.content
    assert small.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    if "etag" in plain.headers:  # one tag must not stand for two sequences of bytes
        assert small.headers["etag"] == f"W/{plain.headers['etag']}"
    for none in ("gzip;q=0", "gzip; q=0.000, *", "identity, *;q=0"):
        refused = httpx.get(server.url(path), headers={"Accept-Encoding": none})
        assert "content-encoding" not in refused.headers


def test_images_streams_and_parts_are_not_compressed(server: Server, result: str) -> None:
    accept = {"Accept-Encoding": "gzip"}
    for path in ("/result", "/before", "/after"):
        answer = httpx.get(server.url(result + path), headers=accept)
        assert answer.status_code == 200
        assert "content-encoding" not in answer.headers
    answer = httpx.get(server.url(result), headers={**accept, "Accept": "text/event-stream"})
    assert "content-encoding" not in answer.headers
    whole = httpx.get(server.url("page/main.js"), headers={"Accept-Encoding": "identity"}).content
    part = httpx.get(server.url("page/main.js"), headers={**accept, "Range": "bytes=10-1999"})
    assert (part.status_code, part.content) == (206, whole[10:2000])
    assert "content-encoding" not in part.headers
    known = {"Range": "bytes=10-1999", "If-None-Match": part.headers["etag"]}
    again = httpx.get(server.url("page/main.js"), headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert "content-range" not in again.headers


def test_answers_that_change_are_not_stored(server: Server, result: str) -> None:
    for path in (result, "v1/jobs", "v1/limits", "v1/nothing"):
        assert httpx.get(server.url(path)).headers["cache-control"] == "no-store"


def form_head(length: int, *more: str) -> bytes:
    lines = [
        "POST /v1/restore HTTP/1.1",
        "Host: localhost",
        f"Content-Length: {length}",
        "Content-Type: multipart/form-data; boundary=x",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_declared_terabyte_is_refused_before_it_is_sent(server: Server) -> None:
    told = raw(server, form_head(10**12, "Expect: 100-continue"), until=b"limit of this server")
    assert told.startswith(b"HTTP/1.1 413 ")
    assert b"the file is larger than 100 MB, the limit of this server" in told
    told = raw(server, form_head(1000, "Expect: 100-continue"), until=b"\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 100 ")


def test_who_sends_a_declared_terabyte_at_once_reads_the_refusal(server: Server) -> None:
    told = raw(server, form_head(10**12) + bytes(10**6), until=b"limit of this server")
    assert told.startswith(b"HTTP/1.1 413 ")


def test_old_and_hasty_clients(server: Server) -> None:
    ask = b"GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
    two = ask % (b"/v1/limits", b"") + ask % (b"/v1/tasks", b"Connection: close\r\n")
    told = raw(server, two)
    assert told.count(b"HTTP/1.1 200 OK") == 2
    assert told.index(b"max_pixels") < told.index(b"keeps_size")
    told = raw(server, b"GET /v1/limits HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 200 OK")
    assert raw(server, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    two_hosts = b"Host: evil.example\r\nConnection: close\r\n"
    assert raw(server, ask % (b"/", two_hosts)).startswith(b"HTTP/1.1 400 ")
    for path in (b"/page/../app.py", b"/page/%2e%2e%2fapp.py", b"/page/..%5capp.py", b"//page/x"):
        told = raw(server, ask % (path, b"Connection: close\r\n"))
        assert told.startswith(b"HTTP/1.1 404 "), path


def test_gzip_is_the_same_every_time(server: Server) -> None:
    with httpx.stream("GET", server.url(""), headers={"Accept-Encoding": "gzip"}) as answer:
        content = b"".join(answer.iter_raw())
    with httpx.stream("GET", server.url(""), headers={"Accept-Encoding": "gzip"}) as answer:
        assert b"".join(answer.iter_raw()) == content
    assert b"<title>scalewise" in gzip.decompress(content)
