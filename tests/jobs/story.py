"""A case played on a real chain: three victims, a collector, a swap, a split by internal calls, a deposit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread

from tests.anvil import ETHER, Anvil
from tracer.actions.case import open_case
from tracer.actions.intake import import_entities, import_labels
from tracer.store.store import Store

ROOT = Path(__file__).parents[2]
CHAIN = "eip155:1"
EXCHANGE = "0x" + "e" * 40
LEFT, RIGHT = "0x" + "a1" * 20, "0x" + "b2" * 20

ENTITIES = """
- id: invented_lowgate
  name: Lowgate (invented)
  kind: exchange
  aliases: []
  jurisdictions: []
  successor_of: null
  facts:
  - kind: kyc_policy
    level: none
    valid_from: '2020-01-01'
    valid_to: '2100-01-01'
    source_url: https://invented.example/lowgate
    source_kind: own_site
    quote: invented for a test
    read_on: '2026-11-21'
    confidence: high
"""


@dataclass
class Played:
    """The accounts and contracts of the story, and the transactions that matter."""

    chain: Anvil
    token: str
    victims: list[str]
    collector: str
    deposit: str = ""
    payments: list[str] = field(default_factory=list)


def play(chain: Anvil) -> Played:
    """Everything up to and including the deposit, final."""
    victims, collector = chain.accounts[1:4], chain.accounts[5]
    token = chain.token("TT", 6)
    pool = chain.deploy("Pool", "address,uint256", token, 2_000_000_000)
    splitter = chain.deploy("Splitter")
    chain.send(chain.accounts[0], pool, value=50 * ETHER)
    story = Played(chain, token, victims, collector)
    for number, victim in enumerate(victims, 1):
        chain.send(victim, token, "mint(address,uint256)", victim, 4_000_000_000 * number)
        paid = chain.send(victim, token, "transfer(address,uint256)", collector, 4_000_000_000 * number)
        story.payments.append(paid)
    chain.send(collector, token, "approve(address,uint256)", pool, 2**255)
    chain.send(collector, pool, "sell(uint256)", 20_000_000_000)  # ten ether
    chain.send(collector, splitter, "split(address,address)", LEFT, RIGHT, value=8 * ETHER)
    chain.rpc("anvil_impersonateAccount", LEFT)
    chain.mine(3)
    story.deposit = deposit(story)
    return story


def deposit(story: Played) -> str:
    """What came to the left half goes to the exchange, and is made final."""
    sent = story.chain.send(LEFT, EXCHANGE, value=3 * ETHER, gas=21_000)
    story.chain.mine(3)
    return sent


@dataclass
class Office:
    """A folder with settings and a database, where commands and jobs run as a person runs them."""

    folder: Path
    database_url: str
    settings: str

    def open(self, story: Played) -> None:
        """Entities, labels, the reports of the three victims, and the case."""
        (self.folder / "tracer.toml").write_text(self.settings)
        (self.folder / "entities.yaml").write_text(ENTITIES)
        labels = f"{CHAIN},{EXCHANGE},invented_lowgate,exchange,0.9,a test,,\n"
        head = "chain,address,entity,category,confidence,source,valid_from,valid_to\n"
        (self.folder / "labels.csv").write_text(head + labels)
        rows = [
            f"v{n},{CHAIN},{story.collector},{paid},{story.token},,,victim {n},\n"
            for n, paid in enumerate(story.payments)
        ]
        head = "report_id,chain,address,tx_hash,asset,amount,time,reporter,note\n"
        (self.folder / "reports.csv").write_text(head + "".join(rows))
        with Store.open(self.database_url) as store:
            import_entities(store, self.folder / "entities.yaml", "test")
            import_labels(store, self.folder / "labels.csv", "test")
            open_case(store, "played", "test", report_file=self.folder / "reports.csv")

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command as a process of its own; `tracer` and `jobs` are modules."""
        environment = os.environ | {
            "TRACER_DATABASE_URL": self.database_url,
            "TRACER_ACTOR": "test",
            "PYTHONPATH": str(ROOT),
        }
        return subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, code: int = 0) -> str:
        """A command to its end; what it answered. Anything but `code` fails."""
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        assert (code, words) == (process.returncode, words), err
        return out + err


@dataclass
class Running:
    """A process whose log is read as it comes."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    said: Condition = field(default_factory=Condition)
    ended: bool = False

    def read(self) -> None:
        """Read the log to its end."""
        assert self.process.stderr
        for line in self.process.stderr:
            with self.said:
                self.lines.append(line)
                self.said.notify_all()
        with self.said:
            self.ended = True
            self.said.notify_all()

    def says(self, text: str) -> None:
        """Wait until it has said this."""
        with self.said:
            self.said.wait_for(lambda: self.ended or any(text in line for line in self.lines), timeout=60)
        assert any(text in line for line in self.lines), (text, self.lines)

    def kill(self, number: int) -> int:
        """Send it a signal and wait for its end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


@contextmanager
def running(office: Office, *words: str) -> Iterator[Running]:
    """A command, the scheduler if none is named; killed at the end, if it is still there."""
    with office.start(*(words or ["jobs"])) as process:
        one = Running(process)
        reader = Thread(target=one.read)
        reader.start()
        try:
            yield one
        finally:
            process.kill()
            reader.join()


def settings(url: str, **jobs: object) -> str:
    """tracer.toml for one node."""
    more = "".join(f"{name} = {value}\n" for name, value in jobs.items())
    source = f'[[tracer.sources]]\nname = "node"\nkind = "evm"\nchain = "ethereum"\nurl = "{url}"\n'
    return f"[tracer.jobs]\n{more}\n{source}"
