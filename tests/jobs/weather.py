"""A real HTTP server between the jobs and a node: it counts what is asked, and has the bad days that nodes have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from threading import Event, Thread
from typing import Any, TypeAlias

from tests.anvil import Anvil

NARROW = 10  # blocks
Weather: TypeAlias = "Callable[[Gate, Asked], tuple[int, bytes]]"  # how a request is answered: status and body


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Gate:
    """The server. `weather` answers; `passed` is told of every request before (True) and after (False) it is answered.

    It listens at the same port whenever it is up; while it is down its connections are refused.
    """

    chain: Anvil
    weather: Weather
    passed: Callable[[bool], None] = lambda before: None
    over: Event = field(default_factory=Event)
    port: int = 0
    server: _Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Listen, if it does not."""
        if self.server is None:
            self.server = _Server(self)
            self.port = self.server.server_port
            Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def down(self) -> None:
        """Break all connections and refuse new ones."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            for connection in list(self.server.connections):
                with suppress(OSError):
                    connection.shutdown(SHUT_RDWR)
            self.server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.connections: set[socket] = set()
        super().__init__(("127.0.0.1", gate.port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body are sent together
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def handle(self) -> None:
        with suppress(OSError):  # who asks may be dead
            super().handle()

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def do_POST(self) -> None:
        gate = self.server.gate
        length = int(self.headers["Content-Length"])
        asked = Asked(self.path, dict(self.headers), self.rfile.read(length))
        if len(asked.body) < length:  # who asked was killed half-way
            return
        gate.passed(True)
        status, body = gate.weather(gate, asked)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        gate.passed(False)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def gate(chain: Anvil) -> Iterator[Gate]:
    """A Gate that is up, in fair weather."""
    made = Gate(chain, fair)
    made.up()
    try:
        yield made
    finally:
        made.over.set()
        made.down()


# --- weather ----------------------------------------------------------------------------------------------------------


def fair(gate: Gate, asked: Asked) -> tuple[int, bytes]:
    """What the node says."""
    return 200, json.dumps(gate.chain.post(asked.body)).encode()


def silent(gate: Gate, asked: Asked) -> tuple[int, bytes]:
    """Nothing, until all is over."""
    gate.over.wait()
    return 503, b""


def says(status: int, body: bytes = b"") -> Weather:
    """The same to everybody."""
    return lambda gate, asked: (status, body)


def narrow(gate: Gate, asked: Asked) -> tuple[int, bytes]:
    """What the node says, but a range of more than NARROW blocks is refused."""
    calls = json.loads(asked.body)
    many = calls if isinstance(calls, list) else [calls]
    answers = [
        _refusal(call) if _blocks(call) > NARROW else gate.chain.post(json.dumps(call).encode()) for call in many
    ]
    return 200, json.dumps(answers if isinstance(calls, list) else answers[0]).encode()


def _blocks(call: Mapping[str, Any]) -> int:
    asked = call["params"][0] if call["params"] else None
    if not isinstance(asked, dict) or "fromBlock" not in asked:
        return 0
    return int(asked["toBlock"], 16) - int(asked["fromBlock"], 16) + 1


def _refusal(call: Mapping[str, Any]) -> dict[str, object]:
    error = {"code": -32005, "message": f"query exceeds max block range {NARROW}"}
    return {"jsonrpc": "2.0", "id": call["id"], "error": error}


HTML = b"<!doctype html><html><head><title>Down for maintenance</title></head><body><h1>Back soon</h1></body></html>"
DOWN = "down"
WEATHERS: dict[str, Weather] = {
    "fair": fair,
    "narrow": narrow,
    "html": says(200, HTML),
    "ill": says(503),
    "busy": says(429),
    "silent": silent,
    DOWN: fair,  # for who gets through before it is down
}


def turn(gate: Gate, weather: str) -> None:
    """Change the weather."""
    gate.weather = WEATHERS[weather]
    (gate.down if weather == DOWN else gate.up)()
