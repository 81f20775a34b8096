"""Answers with results: what their headers say, and files that are deleted meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from scalewise.web.problems import add_problem_handlers
from scalewise.web.result_response import ResultResponse, warnings_header
from scalewise.web.schemas import JobView
from tests.web.conftest import Server, httpx

VIEW = JobView(id="x", state="done", model="scn_x2", result_name="a_x2.png")
CONTENT = bytes(range(256)) * 2000  # several blocks


@pytest.fixture
def result(tmp_path: Path) -> Path:
    path = tmp_path / "x.png"
    path.write_bytes(CONTENT)
    return path


def test_who_waits_for_an_image_is_told_its_model_and_warnings(
    quick_server: Server, tmp_path: Path
) -> None:
    frames = [Image.fromarray(np.full((20, 30, 3), grey, np.uint8)) for grey in (0, 255)]
    frames[0].save(tmp_path / "ü.gif", save_all=True, append_images=frames[1:])
    answer = quick_server.send(tmp_path / "ü.gif", task="upscale", quality=80, wait="true")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    job = quick_server.send(tmp_path / "ü.gif", task="upscale", quality=80).json()["id"]
    view = quick_server.done(job)
    ignored = "quality=80: ignored for png, which is always lossless"
    assert view["warnings"] == ["ü.gif: has 2 frames; the first is read", ignored]
    for headers in (answer.headers, quick_server.get(f"v1/jobs/{job}/result").headers):
        assert json.loads(headers["scalewise-warnings"]) == view["warnings"]
        assert json.loads(headers["scalewise-model"]) == view["model"]
    described = httpx.get(quick_server.url("openapi.json")).json()["paths"]
    for path, method in (("/v1/restore", "post"), ("/v1/jobs/{id}/result", "get")):
        headers = described[path][method]["responses"]["200"]["headers"]
        assert {*headers} == {"Scalewise-Model", "Scalewise-Warnings"}


def test_warnings_in_a_header_are_bounded_and_ascii() -> None:
    assert "scalewise-warnings" not in ResultResponse(Path("a.png"), VIEW).headers
    warnings = [f"{index} \x7f\n日{'x' * 300}" for index in range(9)]
    header = warnings_header(warnings)
    assert header.isascii()
    assert header.isprintable()
    assert len(header) <= 2000
    *first, last = json.loads(header)
    assert first == warnings[: len(first)]
    assert last == f"{9 - len(first)} more warnings: ask the job, without wait=true"
    assert json.loads(warnings_header(["x" * 3000]))[0].startswith("1 more warning: ")


@pytest.mark.parametrize("part", [{}, {"Range": "bytes=5-300000"}, {"Range": "bytes=0-1,9-20"}])
def test_a_result_that_is_deleted_while_it_is_sent_is_sent(
    result: Path, part: dict[str, str]
) -> None:
    app = FastAPI()

    @app.get("/")
    async def root() -> Any:
        return ResultResponse(result, VIEW)

    async def deleting(scope: Any, receive: Any, send: Any) -> None:
        async def send_first(message: Any) -> None:
            result.unlink(missing_ok=True)  # as soon as there is a status
            await send(message)

        await app(scope, receive, send_first if scope["type"] == "http" else send)

    whole = TestClient(app).get("/", headers=part)
    assert whole.status_code == (206 if part else 200)
    if "," not in part.get("Range", ""):
        assert whole.content == (CONTENT[5:300001] if part else CONTENT)
    cut = TestClient(deleting).get("/", headers=part)
    assert not result.exists()
    assert (cut.status_code, len(cut.content)) == (whole.status_code, len(whole.content))


def test_a_result_that_is_deleted_before_it_is_sent_is_not_found(result: Path) -> None:
    app = FastAPI()
    add_problem_handlers(app)

    @app.get("/")
    async def root() -> Any:
        response = ResultResponse(result, VIEW)
        result.unlink()
        return response

    answer = TestClient(app).get("/")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "the result was deleted; send the image again"
