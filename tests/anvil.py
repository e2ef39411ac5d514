"""A real EVM node for tests: start and stop it, deploy contracts, send, mine, drop blocks, ask what the chain says.

Contracts are those of `tests/contracts`; their calls are written by signature: `chain.send(me, token, "mint(address,
uint256)", you, 5)`. Addresses and hashes are lower-case hex, amounts base units.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

HOME = Path(__file__).parents[1]
CONTRACTS: dict[str, str] = json.loads((Path(__file__).parent / "contracts" / "artifacts.json").read_text("utf-8"))
ETHER = 10**18
_LISTENING = re.compile(r"Listening on [\d.]+:(\d+)")


class Missing(Exception):
    """There is no anvil on this machine: `make test` installs it where npm is there."""


class NodeError(Exception):
    """The node answered with an error."""


@contextmanager
def started(*options: str, chain_id: int = 1) -> Iterator[Anvil]:
    """A new chain `eip155:CHAIN_ID` whose last two blocks are never final.

    `options` are anvil's own. Raises Missing.
    """
    command = [
        _binary(),
        "--chain-id",
        str(chain_id),
        "--port",
        "0",
        "--slots-in-an-epoch",
        "1",
        "--no-mining",
        *options,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            chain = Anvil(_port(process))
            Thread(target=deque, args=(process.stdout, 0), daemon=True).start()  # it stands still if nobody reads
            yield chain
        finally:
            process.terminate()
            process.wait(timeout=10)


def _binary() -> str:
    local = next((HOME / ".tools").glob("node_modules/@foundry-rs/anvil-*/bin/anvil*"), None)
    found = str(local) if local else shutil.which("anvil")
    if found is None:
        raise Missing("anvil is not installed (npm install @foundry-rs/anvil)")
    return found


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line)
        if found := _LISTENING.search(line):
            return int(found[1])
    raise NodeError(f"anvil did not start: {''.join(said[-5:])}")


class Anvil:
    """A running chain. `accounts` are ten rich ones whose transactions need no key.

    `waits`: what is sent is not mined before `mine`; else each transaction has a block of its own.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.waits = False  # anvil's own mining is off: it would mine some time after it answered
        self.url = f"http://127.0.0.1:{port}"
        self.accounts: list[str] = self.rpc("eth_accounts")

    def rpc(self, method: str, *params: object) -> Any:
        """The result of one request. Raises NodeError."""
        reply = self.post(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())
        if "error" in reply:
            raise NodeError(f"{method}: {reply['error']}")
        return reply["result"]

    def batch(self, method: str, many: Sequence[Sequence[object]]) -> list[Any]:
        """The results of the same method with many parameters, in one request."""
        asked = [{"jsonrpc": "2.0", "id": n, "method": method, "params": params} for n, params in enumerate(many)]
        reply = self.post(json.dumps(asked).encode())
        if failed := [one["error"] for one in reply if "error" in one]:
            raise NodeError(f"{method}: {failed[0]}")
        return [one["result"] for one in sorted(reply, key=lambda one: one["id"])]

    def post(self, body: bytes) -> Any:
        """What the node answers to a body."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    # --- doing --------------------------------------------------------------------------------------------------------

    def deploy(self, name: str, types: str = "", *values: object, value: int = 0) -> str:
        """The address of a new contract; `types` are those of its constructor, as in "string,uint256"."""
        data = CONTRACTS[name] + encode(types.split(",") if types else [], values).hex()
        tx_hash = self.rpc("eth_sendTransaction", {"from": self.accounts[9], "data": data, "value": hex(value)})
        self.mine()
        address: str = self.receipt(tx_hash)["contractAddress"]
        return address

    def token(self, symbol: str = "TT", decimals: int = 6) -> str:
        """The address of a new token that anyone may mint."""
        return self.deploy("TestToken", "string,string,uint8", f"{symbol} token", symbol, decimals)

    def send(self, sender: str, to: str, call: str = "", *values: object, value: int = 0, gas: int = 3_000_000) -> str:
        """The hash of a transaction, mined unless the chain `waits`. It may have failed."""
        tx = {"from": sender, "to": to, "data": called(call, *values), "value": hex(value), "gas": hex(gas)}
        tx_hash: str = self.rpc("eth_sendTransaction", tx)
        if not self.waits:
            self.mine()
        return tx_hash

    def mine(self, blocks: int = 1) -> None:
        """More blocks, with what waits in the first. Three make everything before them final."""
        self.rpc("anvil_mine", hex(blocks))

    def reorg(self, depth: int) -> None:
        """The last `depth` blocks are gone, empty ones in their place."""
        self.rpc("anvil_reorg", depth, [])

    # --- asking -------------------------------------------------------------------------------------------------------

    @property
    def head(self) -> int:
        """The number of the newest block."""
        return int(self.rpc("eth_blockNumber"), 16)

    @property
    def final(self) -> int:
        """The number of the newest final block."""
        return int(self.rpc("eth_getBlockByNumber", "finalized", False)["number"], 16)

    def receipt(self, tx_hash: str) -> dict[str, Any]:
        """The receipt of a mined transaction."""
        found: dict[str, Any] = self.rpc("eth_getTransactionReceipt", tx_hash)
        return found

    def balance(self, address: str, block: int | str = "latest") -> int:
        """What an address holds of the coin at a block."""
        return int(self.rpc("eth_getBalance", address, hex(block) if isinstance(block, int) else block), 16)

    def holding(self, token: str, address: str) -> int:
        """What an address holds of a token."""
        tx = {"to": token, "data": called("balanceOf(address)", address)}
        amount: int = decode(["uint256"], bytes.fromhex(self.rpc("eth_call", tx, "latest")[2:]))[0]
        return amount


@cache
def _selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


def called(signature: str, *values: object) -> str:
    """The data of a call, as in `called("mint(address,uint256)", you, 5)`; no signature is no data."""
    if not signature:
        return "0x"
    inside = signature[signature.index("(") + 1 : -1]
    return "0x" + (_selector(signature) + encode(inside.split(",") if inside else [], values)).hex()


# --- a node that misbehaves -------------------------------------------------------------------------------------------

Refusal = Callable[[str, list[Any]], object]  # method and parameters to the error it is answered with, or None


class Proxy(ThreadingHTTPServer):
    """A real HTTP server before a chain. It answers batches in another order, any path is right, and it can fail.

    `refuse`: the error that a request is answered with, if any. `hears`: the request that is answered in its place.
    `batch`: the most requests it takes at once. `reply`: status, headers and body that everything is answered with.
    `silent`: it takes requests and says nothing. `seen`: the methods and parameters asked for.
    """

    daemon_threads = True

    def __init__(self, chain: Anvil) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.chain = chain
        self.refuse: Refusal = lambda method, params: None
        self.hears: Callable[[dict[str, Any]], dict[str, Any]] = lambda call: call
        self.batch = 1000
        self.reply: tuple[int, dict[str, str], bytes] | None = None
        self.silent = False
        self.over = Event()
        self.seen: list[tuple[str, list[Any]]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def asked(self, method: str) -> list[list[Any]]:
        """The parameters of all requests of a method so far."""
        return [params for seen, params in self.seen if seen == method]

    def answered(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer."""
        if self.silent:
            self.over.wait()
            return 503, {}, b""
        if self.reply:
            return self.reply
        asked = json.loads(body)
        calls = asked if isinstance(asked, list) else [asked]
        if len(calls) > self.batch:
            return 200, {}, json.dumps({"jsonrpc": "2.0", "id": None, "error": _error("batch too large")}).encode()
        self.seen += [(call["method"], call["params"]) for call in calls]
        refused = {call["id"]: self.refuse(call["method"], call["params"]) for call in calls}
        passed = [self.hears(call) for call in calls if refused[call["id"]] is None]
        answers = self.chain.post(json.dumps(passed).encode()) if passed else []
        answers += [{"jsonrpc": "2.0", "id": one, "error": error} for one, error in refused.items() if error]
        answers.sort(key=lambda one: -one["id"])
        return 200, {}, json.dumps(answers if isinstance(asked, list) else answers[0]).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave at once, else each answer takes 40 ms
    server: Proxy

    def do_POST(self) -> None:
        status, headers, body = self.server.answered(self.rfile.read(int(self.headers["Content-Length"])))
        with suppress(ConnectionError):  # who asked may have given up
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def proxied(chain: Anvil) -> Iterator[Proxy]:
    """A Proxy that runs."""
    with Proxy(chain) as proxy:
        Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.over.set()
            proxy.shutdown()


def refusing(*methods: str, says: str = "the method does not exist/is not available", code: int = -32601) -> Refusal:
    """A refusal of these methods."""
    return lambda method, params: _error(says, code) if method in methods else None


def _error(message: str, code: int = -32000) -> dict[str, object]:
    return {"code": code, "message": message}
