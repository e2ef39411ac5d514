"""A real HTTP server around a function, with the bad days that explorers have."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import monotonic
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

HTML = b"<!doctype html><html><body><h1>Back soon</h1></body></html>"


class Asked(NamedTuple):
    """A request: its path, its query or form, its headers and body, and when it came (monotonic seconds)."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float


class Given(NamedTuple):
    """An answer. `cut`: so many bytes of the body are sent, then the line breaks. `drip`: in a hundred pieces."""

    status: int
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})
    cut: int | None = None
    drip: bool = False


Answers = Callable[[Asked], Given]
Spoil = Callable[[Given], Given]  # what a fault makes of the right answer

COMMON: Mapping[str, Spoil] = {
    "html": lambda _: Given(200, HTML),
    "html_503": lambda _: Given(503, HTML),
    "empty_body": lambda _: Given(200, b""),
    "wrong_json": lambda _: Given(200, b'{"unexpected": true}'),
    "null": lambda _: Given(200, b"null"),
    "truncated": lambda right: right._replace(body=right.body[: len(right.body) // 2]),
    "broken_line": lambda right: right._replace(cut=len(right.body) // 2),
    "drip": lambda right: right._replace(drip=True),
    "too_many": lambda _: Given(429, b""),
}


@dataclass
class Weather:
    """Draws a fault for a share of the requests, always the same ones for a seed."""

    share: float = 0.0
    seed: int = 0
    faults: Mapping[str, Spoil] = field(default_factory=lambda: dict(COMMON))
    drawn: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random, self._lock = random.Random(self.seed), Lock()

    def spoil(self, right: Given) -> Given:
        """The answer as it is sent."""
        with self._lock:
            name = self._random.choice(sorted(self.faults)) if self._random.random() < self.share else ""
        if not name:
            return right
        self.drawn.append(name)
        return self.faults[name](right)


@dataclass
class Served:
    """A running server: where it is, what it was asked, and its weather. `answers` may be changed meanwhile."""

    answers: Answers
    weather: Weather
    url: str = ""
    asked: list[Asked] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms for its headers to be acknowledged
    served: Served

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body, monotonic())
        self.served.asked.append(asked)
        given = self.served.weather.spoil(self.served.answers(asked))
        with suppress(OSError):  # who asked may be dead
            self._send(given)

    def _send(self, given: Given) -> None:
        self.send_response(given.status)
        for name, value in {"Content-Length": str(len(given.body)), **given.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        body = given.body if given.cut is None else given.body[: given.cut]
        piece = max(1, len(body) // 100) if given.drip else len(body) or 1
        for start in range(0, len(body), piece):
            self.wfile.write(body[start : start + piece])
        self.wfile.flush()
        if given.cut is not None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(answers: Answers, weather: Weather | None = None) -> Iterator[Served]:
    """A server that answers so while the context lasts."""
    served = Served(answers, weather or Weather())
    handler = type("Handler", (_Handler,), {"served": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
