"""A review in a browser: one page and its answers, for this computer and who knows the address.

The server listens on 127.0.0.1 alone. The address has a random token in it; without it nothing can
be read or written, and neither can another site that a browser has open: requests must name this
server as their host and, where they write, as their origin.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from threading import RLock
from typing import Any, cast

from ecgcli.classes import AAMI_CLASSES
from ecgcli.errors import ConfigError, DataError, OutputError
from ecgcli.prediction import Classifier
from ecgcli.review.answers import ACTIONS, Answer
from ecgcli.review.payloads import changes_between, page_of, state_of
from ecgcli.review.results import write_results
from ecgcli.review.session import Review
from ecgcli.view.rendering import render

HOST = "127.0.0.1"
#: The most bytes of a request.
_MOST_BYTES = 1_000_000
#: Actions after which the page has other beats or bands, so that it is loaded again.
_RELOADED = ("move", "add", "delete", "unreadable", "fibrillation", "undo")
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Refused(Exception):
    """A request that is not answered; the page shows ``problem``."""

    def __init__(self, status: HTTPStatus, problem: str) -> None:
        super().__init__(problem)
        self.status = status


class Server(ThreadingHTTPServer):
    """Serves one review until it is shut down.

    Args:
        review: in progress; its file stays open as long as the server runs.
        classifier: the model, whose card the page shows.
        folder: where the results are written.
        name: of the results, without ending.
        port: 0 takes a free one.

    Raises:
        ConfigError: the port is taken.
    """

    daemon_threads = True
    allow_reuse_address = False

    def __init__(
        self, review: Review, classifier: Classifier, folder: Path, name: str, port: int = 0
    ) -> None:
        self.review, self.classifier = review, classifier
        self.folder, self.name = folder, name
        self.token = secrets.token_urlsafe(32)
        self.lock = RLock()
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise ConfigError(
                f"port {port} cannot be used: {error.strerror}; leave --port out to take a free one"
            ) from error

    @property
    def origin(self) -> str:
        """The server's own origin, as browsers name it."""
        return f"http://{HOST}:{self.server_address[1]}"

    @property
    def address(self) -> str:
        """The address to open; whoever knows it can read and answer."""
        return f"{self.origin}/{self.token}/"

    def page(self) -> str:
        """The page with the beats as they are now."""
        with self.lock:
            script = files("ecgcli.review").joinpath("static", "review.js").read_text("utf-8")
            return render(
                page_of(self.review, self.classifier),
                template="review.html",
                scripts=[script],
                connect="'self'",
                folders=["ecgcli.review"],
                reader=self.review.journal.reader,
                file=self.review.journal.path.name,
            )

    def state(self) -> dict[str, Any]:
        """What the page asks."""
        with self.lock:
            return state_of(self.review)

    def take(self, request: dict[str, Any]) -> dict[str, Any]:
        """Apply an answer of the page; it is on disk when this returns.

        Raises:
            Refused: the page has not seen the latest answers, or the answer is not valid.
            DataError: it does not fit the recording.
            OutputError: it could not be written.
        """
        with self.lock:
            before = self.review.beats()
            if request.get("version") != self.review.version:
                raise Refused(
                    HTTPStatus.CONFLICT,
                    "another window has answered; this page is out of date",
                )
            if request.get("action") == "undo":
                self.review.undo()
            else:
                self.review.answer(_answer(request, before.times.tolist()))
            if request["action"] in _RELOADED:
                return {"reload": True} | self.state()
            changes = changes_between(before, self.review.beats(), self.review.classes)
            return {"changes": changes} | self.state()

    def finish(self) -> dict[str, Any]:
        """Write the results.

        Raises:
            OutputError: they cannot be written.
            DataError: no beats are left.
        """
        with self.lock:
            written = write_results(self.review, self.folder, self.name)
            return {"files": [str(path) for path in written]}


def _answer(request: dict[str, Any], times: list[float]) -> Answer:
    """The answer in a request, which names beats by their places on the page.

    Raises:
        Refused: it is not an answer.
    """
    action, places = request.get("action"), request.get("beats", [])
    start, to, letter = request.get("start"), request.get("to"), request.get("class", "")
    valid = (
        action in ACTIONS
        and isinstance(places, list)
        and all(isinstance(place, int) and 0 <= place < len(times) for place in places)
        and all(value is None or _is_number(value) for value in (start, to))
        and letter in ("", *AAMI_CLASSES)
        and bool(letter) == (action in ("class", "add"))
        and (start is not None or bool(places))
    )
    if not valid:
        raise Refused(HTTPStatus.BAD_REQUEST, "this is not an answer")
    at = (float(start),) if start is not None else tuple(times[place] for place in places)
    if len(at) > 1 and action not in ("class", "skip", "delete"):
        raise Refused(HTTPStatus.BAD_REQUEST, f"{action} takes one beat")
    return Answer(cast(Any, action), at, letter, None if to is None else float(to))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """The page and its state."""
        self._respond(
            {
                "": lambda: self._send(HTTPStatus.OK, self.server.page().encode(), "text/html"),
                "state": lambda: self._send_json(HTTPStatus.OK, self.server.state()),
            }
        )

    def do_POST(self) -> None:
        """An answer, or the wish to write the results."""
        self._respond(
            {
                "answer": lambda: self._send_json(HTTPStatus.OK, self.server.take(self._body())),
                "finish": lambda: self._send_json(HTTPStatus.OK, self.server.finish()),
            },
            writes=True,
        )

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal, and the token, to the person who started the server."""

    def _respond(self, routes: dict[str, Callable[[], None]], *, writes: bool = False) -> None:
        try:
            route = self._route(writes=writes)
            if route not in routes:
                raise Refused(HTTPStatus.NOT_FOUND, "there is nothing at this address")
            routes[route]()
        except Refused as error:
            self._send_problem(error.status, str(error))
        except (DataError, ConfigError) as error:
            self._send_problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except OutputError as error:
            self._send_problem(HTTPStatus.INSUFFICIENT_STORAGE, str(error))
        except ConnectionError:
            self.close_connection = True

    def _route(self, *, writes: bool) -> str:
        """What follows the token in the address.

        Raises:
            Refused: the request is not from the page of this server.
        """
        own = self.server.origin
        if self.headers.get("Host") != own.removeprefix("http://"):
            raise Refused(HTTPStatus.FORBIDDEN, "this is not the address of this server")
        origin = self.headers.get("Origin")
        if origin != own and (writes or origin is not None):
            raise Refused(HTTPStatus.FORBIDDEN, "this request comes from another site")
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise Refused(HTTPStatus.FORBIDDEN, "this request comes from another site")
        _, token, route = [*self.path.split("?")[0].split("/", 2), "", ""][:3]
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            raise Refused(
                HTTPStatus.FORBIDDEN, "open the address that ecg review printed; it has a token"
            )
        return route

    def _body(self) -> dict[str, Any]:
        if self.headers.get_content_type() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "an answer is JSON")
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _MOST_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "an answer is not that large")
        try:
            document = json.loads(self.rfile.read(int(length)))
        except ValueError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, "an answer is JSON") from error
        if not isinstance(document, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "this is not an answer")
        return document

    def _send_problem(self, status: HTTPStatus, problem: str) -> None:
        self.close_connection = True  # a body that was refused may not have been read
        self._send_json(status, {"problem": problem})

    def _send_json(self, status: HTTPStatus, document: dict[str, Any]) -> None:
        self._send(status, json.dumps(document, allow_nan=False).encode(), "application/json")

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
