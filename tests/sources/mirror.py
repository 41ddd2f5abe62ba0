"""A real HTTP server on loopback that serves a folder, with faults on request."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

Fault = Literal[
    "404", "wrong byte", "half a file", "redirect to nowhere", "redirect to a file", "503", "dies",
    "silent", "slow", "endless", "another range",
]  # fmt: skip


class Mirror:
    """The requests the server received, and the files it serves wrongly."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requested: list[str] = []
        #: The ranges of bytes that were asked for, as ``name: range``.
        self.ranges: list[str] = []
        self.gives_ranges = True
        #: Set when the server is to end: a silent one hangs up.
        self.released = threading.Event()
        #: Name -> fault; a fault with a number of times is served that often, then the right file.
        self.faults: dict[str, tuple[Fault, int]] = {}


class _Handler(SimpleHTTPRequestHandler):
    mirror: Mirror

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        self.mirror.requested.append(name)
        fault, times = self.mirror.faults.get(name, (None, 0))
        asked = self.headers.get("Range")
        if asked is not None:
            self.mirror.ranges.append(f"{name}: {asked}")
        content = Path(self.translate_path(self.path)).read_bytes()
        first = int(asked.removeprefix("bytes=")[:-1]) if asked else 0
        if fault is None or times == 0:
            self._answer(content, first if self.mirror.gives_ranges else 0)
            return
        self.mirror.faults[name] = (fault, times - 1)
        if fault == "404":
            self.send_error(404)
        elif fault == "503":
            self.send_error(503)
        elif fault == "redirect to nowhere":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/nowhere")
            self.end_headers()
        elif fault == "redirect to a file":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
        elif fault == "silent":
            self.mirror.released.wait(60)
        elif fault == "another range":
            self._answer(content, first // 2)
        elif fault in ("slow", "endless"):
            self.send_response(200)
            self.end_headers()
            pause = 0.05 if fault == "slow" else 0
            with suppress(OSError):
                while not self.mirror.released.wait(pause):
                    self.wfile.write(b"x" if fault == "slow" else bytes(1 << 16))
            self.close_connection = True
        elif fault == "dies":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if fault == "half a file":
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
            else:
                self.wfile.write(bytes([content[0] ^ 1]) + content[1:])

    def _answer(self, content: bytes, first: int) -> None:
        if first and first >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        with suppress(ConnectionError):  # the client has left
            self.wfile.write(content[first:])

    def log_message(self, *_: object) -> None:
        """Keep test output clean."""


@contextmanager
def serve(folder: Path) -> Iterator[Mirror]:
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    handler.mirror = Mirror(f"http://127.0.0.1:{server.server_address[1]}/")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield handler.mirror  # type: ignore[attr-defined]
    finally:
        handler.mirror.released.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()
