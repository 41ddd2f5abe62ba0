"""The server of a review, asked over real HTTP."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from ecgcli.classes import AAMI_CLASSES
from ecgcli.errors import ConfigError, OutputError
from ecgcli.review.journal import Journal
from ecgcli.review.serving import Server
from ecgcli.review.session import Review
from tests.review.recordings import Guessing


@pytest.fixture
def server(review: Review, tmp_path: Path) -> Iterator[Server]:
    with Server(review, Guessing(), tmp_path, "made") as server:  # type: ignore[arg-type]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def ask(
    server: Server,
    route: str,
    body: Any = None,
    *,
    token: str | None = None,
    raw: bytes | None = None,
    **headers: str,
) -> tuple[int, Any]:
    """The status and document of a request as the page sends it, but for the headers given."""
    host, port = server.server_address[:2]
    connection = http.client.HTTPConnection(str(host), port, timeout=60)
    own = {"Host": server.origin.removeprefix("http://")}
    content = raw
    if body is not None or raw is not None:
        own |= {"Content-Type": "application/json", "Origin": server.origin}
        content = raw if raw is not None else json.dumps(body).encode()
    given = own | {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/{server.token if token is None else token}/{route}"
    connection.putrequest(
        "GET" if content is None else "POST", path, skip_host=True, skip_accept_encoding=True
    )
    for name, value in given.items():
        connection.putheader(name, value)
    if content is not None and "Content-Length" not in given:
        connection.putheader("Content-Length", str(len(content)))
    connection.endheaders(content)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    is_json = response.headers.get_content_type() == "application/json"
    return response.status, json.loads(text) if is_json else text.decode()


def unpacked(numbers: dict[str, str]) -> np.ndarray:
    """What `encode_numbers` packed."""
    content = zlib.decompress(base64.b64decode(numbers["data"]))
    return np.frombuffer(content, numbers["type"].lower())


def test_it_listens_on_this_computer_alone(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.address.startswith(f"http://127.0.0.1:{server.server_address[1]}/")
    assert len(server.token) >= 40


def test_the_page_and_its_question_are_there(server: Server) -> None:
    pytest.importorskip("bokeh")
    status, page = ask(server, "")
    assert status == 200
    assert "made.review.csv" in page
    assert "connect-src &#39;self&#39;" in page
    status, state = ask(server, "state")
    assert status == 200
    question = state["question"]
    assert question["suggested"] in "NSVFQ"
    assert question["why"].endswith(".")
    assert len(question["shapes"]) == len(question["beats"]) > 0


def test_an_answer_is_on_disk_before_it_is_confirmed(server: Server) -> None:
    _, state = ask(server, "state")
    beats = state["question"]["beats"]
    status, after = ask(
        server, "answer", {"version": 0, "action": "class", "class": "V", "beats": beats}
    )
    assert status == 200
    assert after["version"] == after["answers"] == 1
    changed = np.cumsum(unpacked(after["changes"]["steps"])).tolist()
    labels = unpacked(after["changes"]["labels"])[[changed.index(beat) for beat in beats]]
    assert labels.tolist() == [AAMI_CLASSES.index("V")] * len(beats)
    shares = unpacked(after["changes"]["probabilities"]).reshape(len(changed), -1)
    assert (shares[changed.index(beats[0])] == [0, 0, 255, 0, 0]).all()
    assert server.review.journal.path.read_text().count("\n") == 2
    status, undone = ask(server, "answer", {"version": 1, "action": "undo"})
    assert (status, undone["reload"], undone["answers"]) == (200, True, 0)


def test_beats_are_added_moved_and_deleted(server: Server) -> None:
    count = len(server.review.beats())
    for version, answer in enumerate(
        (
            {"action": "add", "class": "S", "start": 4.35},
            {"action": "move", "beats": [4], "to": 5.25},
            {"action": "delete", "beats": [0]},
            {"action": "unreadable", "start": 20.0, "to": 21.0},
        )
    ):
        status, after = ask(server, "answer", {"version": version} | answer)
        assert (status, after.get("reload")) == (200, True), after
    assert len(server.review.beats()) == count
    status, written = ask(server, "finish", {})
    assert status == 200
    assert [Path(name).name for name in written["files"]] == ["made.reviewed.csv", "made.reviewed"]
    assert all(Path(name).exists() for name in written["files"])


@pytest.mark.parametrize("route", ["", "state", "answer", "finish"])
@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_the_token_nothing_is_read_or_written(
    server: Server, route: str, token: str
) -> None:
    body = {"version": 0, "action": "undo"} if route in ("answer", "finish") else None
    status, answer = ask(server, route, body, token=token)
    assert status == 403
    assert "address that ecg review printed" in answer["problem"]
    assert server.review.version == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Host": "example.com"},
        {"Host": "localhost"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_another_site_can_neither_read_nor_write(server: Server, headers: dict[str, str]) -> None:
    assert ask(server, "state", **headers)[0] == 403
    answer = {"version": 0, "action": "class", "class": "V", "beats": [1]}
    assert ask(server, "answer", answer, **headers)[0] == 403
    assert server.review.version == 0


def test_a_form_of_another_site_is_no_answer(server: Server) -> None:
    body = {"version": 0, "action": "class", "class": "V", "beats": [1]}
    assert ask(server, "answer", body, Content_Type="text/plain")[0] == 415
    assert server.review.version == 0


@pytest.mark.parametrize(
    "answer",
    [
        {"action": "class", "class": "X", "beats": [1]},
        {"action": "class", "class": "", "beats": [1]},
        {"action": "class", "class": "V", "beats": []},
        {"action": "class", "class": "V", "beats": [100000]},
        {"action": "class", "class": "V", "beats": [-1]},
        {"action": "class", "class": "V", "beats": ["1"]},
        {"action": "class", "class": "V", "beats": 1},
        {"action": "class", "class": ["V"], "beats": [1]},
        {"action": ["class"], "beats": [1]},
        {"action": "move", "beats": [1, 2], "to": 5},
        {"action": "give", "beats": [1]},
        {"action": "add", "class": "V", "start": "1"},
        {},
    ],
)
def test_what_is_no_answer_is_refused(server: Server, answer: dict[str, Any]) -> None:
    status, refused = ask(server, "answer", {"version": 0} | answer)
    assert status == 400, refused
    assert server.review.version == 0


def test_bodies_that_are_not_json_are_refused(server: Server) -> None:
    assert ask(server, "answer", raw=b"{")[0] == 400
    assert ask(server, "answer", [1])[0] == 400
    assert ask(server, "answer", raw=b"", Content_Length="99999999")[0] == 413
    assert ask(server, "nothing", {})[0] == 404


def test_an_answer_outside_the_recording_is_refused(server: Server) -> None:
    status, refused = ask(
        server, "answer", {"version": 0, "action": "add", "class": "V", "start": 900.0}
    )
    assert status == 422
    assert "outside the recording" in refused["problem"]


def test_a_window_that_is_out_of_date_is_refused(server: Server) -> None:
    answer = {"version": 0, "action": "class", "class": "V", "beats": [1]}
    assert ask(server, "answer", answer)[0] == 200
    status, refused = ask(server, "answer", answer)
    assert (status, refused["problem"]) == (
        409, "another window has answered; this page is out of date",
    )  # fmt: skip
    assert server.review.version == 1


def test_a_full_disk_is_reported_and_what_was_answered_stays(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"action": "class", "class": "V", "beats": [1]}
    assert ask(server, "answer", {"version": 0} | answer)[0] == 200

    def full(journal: Journal, _: bytes) -> None:
        raise OutputError(f"cannot write {journal.path}: No space left on device")

    monkeypatch.setattr(Journal, "_write", full)
    status, refused = ask(server, "answer", {"version": 1} | answer | {"beats": [2]})
    assert status == 507
    assert "No space left" in refused["problem"]
    monkeypatch.undo()
    assert ask(server, "state")[1]["answers"] == 1
    assert ask(server, "answer", {"version": 1} | answer | {"beats": [2]})[0] == 200


def test_a_port_that_is_taken_is_refused(review: Review, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} cannot be used"):
            Server(review, Guessing(), tmp_path, "made", port)  # type: ignore[arg-type]
