"""The sample case, with legs on TRON and bitcoin, served by explorers: the jobs find what the imported file says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import sample_data
from tests.jobs import legs
from tests.jobs.story import Office
from tests.servers.blockscout import blockscout
from tests.servers.esplora import esplora
from tests.servers.etherscan import etherscan
from tests.servers.files import worlds
from tests.servers.serve import Served, serving
from tests.servers.trongrid import trongrid
from tracer.actions.case import open_case
from tracer.actions.intake import import_entities, import_labels, import_transfers
from tracer.actions.trace import trace
from tracer.model import Address, FlagState
from tracer.store.store import Store

SAMPLE = Path(sample_data.__file__).parent
KEYS = {"explorer": "k3y-of-the-explorer", "trongrid": "k3y-of-trongrid"}
ETHEREUM = "eip155:1"
Said = Mapping[tuple[str, Address], Mapping[tuple[str, str, str], int]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the case."""
    legs.write(tmp_path, SAMPLE)
    return tmp_path


@contextmanager
def explorers(folder: Path, kind: str) -> Iterator[dict[str, Served]]:
    """The three chains, each behind an explorer of its own."""
    made = worlds(folder / "transfers.csv")
    serve = {"etherscan": etherscan, "blockscout": blockscout, "blockscout_rest": blockscout}[kind]
    with ExitStack() as stack:
        yield {
            kind: stack.enter_context(serving(serve(made[ETHEREUM], key=KEYS["explorer"]))),
            "trongrid": stack.enter_context(serving(trongrid(made[legs.TRON], key=KEYS["trongrid"]))),
            "esplora": stack.enter_context(serving(esplora(made[legs.BITCOIN]))),
        }


def settings(served: Mapping[str, Served]) -> str:
    """tracer.toml that names them."""
    chains = {"trongrid": "tron", "esplora": "bitcoin"}
    sources = []
    for kind, one in served.items():
        lines = [
            f'name = "{kind}"',
            f'kind = "{kind}"',
            f'chain = "{chains.get(kind, "ethereum")}"',
            f'url = "{one.url}"',
        ]
        key = KEYS.get(kind if kind in chains else "explorer") if kind != "esplora" else None
        lines += [f'key = "{key}"'] if key else []
        sources.append("\n".join(["[[tracer.sources]]", *lines, "calls_per_second = 500"]))
    return "\n\n".join(sources)


def prepared(store: Store, folder: Path) -> None:
    """Everything but the transfers."""
    import_entities(store, folder / "entities.yaml", "test")
    import_labels(store, folder / "labels.csv", "test")
    open_case(store, "legs", "test", report_file=folder / "reports.csv")


def found(store: Store) -> Said:
    """The standing flags: by rule and address, the amount of each origin in each asset under each method."""
    flags = [flag for flag in store.flags() if flag.state is not FlagState.WITHDRAWN]
    return {
        (flag.rule, flag.address): {
            (one["asset"], one["method"], one["origin"]): int(one["amount"]) for one in flag.now.body["amounts"]
        }
        for flag in flags
    }


def imported(folder: Path) -> Said:
    """What the file says, traced offline."""
    with Store.open(f"sqlite:///{folder / 'imported.db'}") as store:
        prepared(store, folder)
        import_transfers(store, folder / "transfers.csv", "test")
        trace(store, "legs", "test")
        return found(store)


@pytest.mark.parametrize("kind", ["etherscan", "blockscout", "blockscout_rest"])
def test_served_by_explorers_the_jobs_find_what_the_file_says(folder: Path, sqlite_url: str, kind: str) -> None:
    """The same flags with the same amounts, to the last base unit, on all three chains."""
    expected = imported(folder)
    office = Office(folder, sqlite_url, "")
    with explorers(folder, kind) as served, Store.open(sqlite_url) as store:
        prepared(store, folder)
        (folder / "tracer.toml").write_text(settings(served))
        before: Said = {}
        for _ in range(12):
            office.run("jobs", "--once", "all")
            if before == (now := found(store)) and len(now) >= len(expected):
                break
            before = now
        assert len(expected) == 13  # ten arrivals and exits, three patterns
        assert expected == found(store)
        assert {ETHEREUM, legs.TRON, legs.BITCOIN} == {address.chain for _, address in expected}
        assert all(one.asked for one in served.values())
