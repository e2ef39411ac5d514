"""A node's URL holds secrets; whatever the node does, no command, log, file or byte of the database shows them."""

from __future__ import annotations

import json
import signal
import sqlite3
import traceback
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import zstandard

from jobs.__main__ import main
from tests.anvil import Anvil
from tests.jobs.story import CHAIN, EXCHANGE, Office, play, running, settings
from tests.jobs.weather import Asked, Gate, Weather, fair, gate, silent
from tracer.cli import app
from tracer.errors import SourceBusy, SourceError
from tracer.sources import SourceSettings
from tracer.sources.evm import Evm

USER, PASSWORD, KEY, TOKEN = "user-9f3ac1", "p%40ss-77d0e2", "key-5b1e77aa", "token-c0ffee42"
BASIC = b64encode(b"user-9f3ac1:p@ss-77d0e2").decode()
SECRETS = [USER, PASSWORD, "p@ss-77d0e2", KEY, TOKEN, BASIC]
ZSTD = b"\x28\xb5\x2f\xfd"
PART = 8  # letters of a secret that already give it away


@pytest.fixture
def node(anvil: Anvil) -> Iterator[Gate]:
    """The node behind its weather."""
    with gate(anvil) as made:
        yield made


def secret_url(node: Gate) -> str:
    """A URL with a secret in every place that has room for one."""
    return f"http://{USER}:{PASSWORD}@127.0.0.1:{node.port}/v2/{KEY}?apikey={TOKEN}"


def leaks(content: bytes) -> list[str]:
    """The secrets of which a telling part is in there."""
    return [secret for secret in SECRETS if any(part in content for part in _parts(secret))]


def _parts(secret: str) -> list[bytes]:
    return [secret[at : at + PART].encode() for at in range(len(secret) - PART + 1)]


def kept(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every byte below a folder but the settings', and what is packed in the database."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name != "tracer.toml":
            yield file.name, file.read_bytes()
    with closing(sqlite3.connect(folder / "tracer.db")) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in db.execute(f"SELECT * FROM {table}"):
                for cell in row:
                    packed = isinstance(cell, bytes) and cell.startswith(ZSTD)
                    yield table, zstandard.decompress(cell) if packed else str(cell).encode()


def echoing(status: int, before: int = 0) -> Weather:
    """A page that shows what was asked for, and by whom, again and again, after so many blanks."""

    def weather(gate: Gate, asked: Asked) -> tuple[int, bytes]:
        whole = f"{asked.headers['Authorization']} {asked.path} {USER}:{PASSWORD} "
        return status, b"<html>" + b" " * before + 9 * whole.encode()

    return weather


def hanging_up(gate: Gate, asked: Asked) -> tuple[int, bytes]:
    """No answer at all."""
    raise ConnectionAbortedError


def telling(gate: Gate, asked: Asked) -> tuple[int, bytes]:
    """All is well, and every answer says where it comes from."""
    said = json.loads(fair(gate, asked)[1])
    for one in said if isinstance(said, list) else [said]:
        one["served_by"] = f"{asked.headers['Authorization']} {USER}:{PASSWORD}@host{asked.path}"
    return 200, json.dumps(said).encode()


def refusing(gate: Gate, asked: Asked) -> tuple[int, bytes]:
    """An error of JSON-RPC that says who is refused."""
    words = f"{asked.headers['Authorization']} of {USER}:{PASSWORD}@host{asked.path} is over its plan"
    one = {"jsonrpc": "2.0", "id": 0, "error": {"code": -32000, "message": words, "data": {"url": words}}}
    return 200, json.dumps(one).encode()


STATES: dict[str, Weather] = {  # by what is said of them
    "HTTP 200 without": echoing(200),
    "HTTP 302 without": echoing(302),
    "refuses access (HTTP 401)": echoing(401),
    "too many requests": echoing(429),
    "not working (HTTP 500)": echoing(500),
    "is over its plan": refusing,
    "(ReadTimeout)": silent,
    "(ConnectionError)": hanging_up,
}
COMMANDS = (
    "settings",
    "settings --json",
    f"screen {CHAIN}:{EXCHANGE}",
    "flags",
    "flags --json",
    "export played --out played.json",
    "trace played",
    "case show played --json",
    "export played --format csv --out played.csv",
    "export played --format graphml --out played.graphml",
    "db status",
)


def test_no_secret_is_shown_or_kept(
    tmp_path: Path, anvil: Anvil, node: Gate, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not by pull, jobs, settings, screen, flags or export, and not in the database or what lies beside it."""
    impatient = settings(secret_url(node), pace=0.001) + "timeout_seconds = 2\n"
    office = Office(tmp_path, f"sqlite:///{tmp_path / 'tracer.db'}", impatient)
    office.open(play(anvil))
    said = {}
    with running(office) as jobs:
        for how, weather in STATES.items():
            node.weather = weather
            jobs.says(how)
        node.down()
        said["pull", "down"] = office.run("tracer", "pull", "--json", code=5)
        node.up()
        node.weather = telling
        jobs.says("low_kyc_arrival")
        jobs.kill(signal.SIGKILL)
    said["jobs", "killed"] = "".join(jobs.lines)
    said["pull", "up"] = office.run("tracer", "pull")
    monkeypatch.chdir(tmp_path)
    for words in COMMANDS:
        app(["--database", office.database_url, *words.split()], standalone_mode=False)
        said[words, "up"] = "".join(capfd.readouterr())

    assert {} == {what: found for what, text in said.items() if (found := leaks(text.encode()))}
    assert {} == {name: found for name, content in kept(tmp_path) if (found := leaks(content))}
    assert "low_kyc_arrival" in said["flags", "up"]


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
def test_no_error_shows_a_secret_wherever_it_is_cut(anvil: Anvil, node: Gate, status: int) -> None:
    """A node may send back what it was asked, header and all, and the excerpt in a message ends anywhere."""
    source = Evm(SourceSettings(kind="evm", chain=CHAIN, url=secret_url(node)))
    shown = {}
    for before in range(0, 200, 3):
        node.weather = echoing(status, before)
        with pytest.raises(SourceError) as error:
            source.block_hash(1)
        shown[before] = "".join(traceback.format_exception(error.value))

    assert {} == {before: found for before, text in shown.items() if (found := leaks(text.encode()))}


def test_a_password_that_fits_no_header_is_named_by_its_error(node: Gate) -> None:
    """The node cannot be asked; that is a source that fails, not a defect."""
    url = f"http://user:%D0%BF%D0%B0%D1%80%D0%BE%D0%BB%D1%8C@127.0.0.1:{node.port}"
    with pytest.raises(SourceBusy, match=rf"http://127.0.0.1:{node.port} cannot be reached \(UnicodeEncodeError\)$"):
        Evm(SourceSettings(kind="evm", chain=CHAIN, url=url)).block_hash(1)


@pytest.mark.parametrize(
    "wrong",
    [
        'url = "ftp://{0}"',
        'url = "http://{0}"\nurl_env = "HOME"',
        'url = "http://{0}"\nurll = "{0}"',
        'url = "http://{0}"\nstart_block = "{0}"',
        'url = "http://{0}"\nchain = "{0}"',
        'url = "http://[{0}"',
        "url = http://{0}",
        'url_env = "WRONG_URL"',
    ],
)
def test_wrong_settings_show_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], wrong: str
) -> None:
    """A setting that cannot be used is named, not shown."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WRONG_URL", f"ftp://{USER}:{PASSWORD}@host/{KEY}")
    source = wrong.format(f"{USER}:{PASSWORD}@host:port/{KEY}?apikey={TOKEN}")
    (tmp_path / "tracer.toml").write_text(f'[[tracer.sources]]\nname = "n"\nkind = "evm"\nchain = "ethereum"\n{source}')

    assert 6 == main(["--list"])

    said = "".join(capfd.readouterr())
    assert "error: " in said
    assert [] == leaks(said.encode())


def test_settings_in_the_environment_show_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """`tracer settings` hides a URL that was set there."""
    monkeypatch.chdir(tmp_path)
    url = f"http://{USER}:{PASSWORD}@host/{KEY}?apikey={TOKEN}"
    monkeypatch.setenv("TRACER_SOURCES", json.dumps([{"name": "n", "kind": "evm", "chain": "ethereum", "url": url}]))
    app(["settings"], standalone_mode=False)

    said = "".join(capfd.readouterr())
    assert "sources.0.url" in said
    assert [] == leaks(said.encode())
