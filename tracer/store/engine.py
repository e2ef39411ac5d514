"""Opening a database: its URL, its settings, its schema at head. Vendor exceptions die here."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError

from tracer.errors import ConfigError, Conflict, StoreError
from tracer.store.tables import METADATA

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_SECONDS = 60  # how long a writer waits for the one before it
WRITES = {"writes": True}
_POSTGRES = {"postgres", "postgresql", "postgresql+psycopg"}
_WRITER, _MIGRATION = 0x7472616365, 0x7472616366  # advisory locks, named "trace" and the next number


def parse(url: str) -> URL:
    """The URL as SQLAlchemy takes it. Raises ConfigError, never showing a password."""
    if url.partition("://")[2].partition("/")[0].count("@") > 1:
        raise ConfigError("database_url has more than one @: write an @ of the password as %40")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            "database_url is not a URL: write sqlite:///tracer.db or postgresql://user@host/name"
        ) from error
    if parsed.drivername in _POSTGRES:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "sqlite":
        raise ConfigError(f"database_url: {parsed.drivername} is not supported: use sqlite or postgresql")
    if parsed.database in (None, "", ":memory:"):
        raise ConfigError("database_url names no file: write sqlite:///tracer.db")
    return parsed


def connect(url: URL) -> Engine:
    """An engine whose database is reachable and at the newest schema. Raises ConfigError."""
    engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgres(url)
    try:
        with opening(url), _one_opener(url):
            _upgrade(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def lock(db: Connection) -> None:
    """Make this transaction the only writer until it ends. (On SQLite BEGIN IMMEDIATE has done so already.)"""
    if db.dialect.name == "postgresql":
        db.execute(text(f"SELECT pg_advisory_xact_lock({_WRITER})"))


# --- engines ----------------------------------------------------------------------------------------------------------


def _sqlite(url: URL) -> Engine:
    path = Path(str(url.database))
    if not path.parent.is_dir():
        raise ConfigError(f"database {path}: there is no folder {path.parent}: make it or set TRACER_DATABASE_URL")
    if not os.access(path if path.exists() else path.parent, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise ConfigError(f"database {path}: it cannot be written: change its rights or set TRACER_DATABASE_URL")
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself: _begin does
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")  # safe in WAL mode
    # keys are hashes, so that every commit touches pages all over the file: keep 32 MB at hand, copy back every 40 MB
    connection.execute("PRAGMA cache_size = -32000")
    connection.execute("PRAGMA wal_autocheckpoint = 10000")


def _begin(db: Connection) -> None:
    # a reader that became a writer half-way could fail at once on SQLite, so writers say so from the start
    db.exec_driver_sql("BEGIN IMMEDIATE" if db.get_execution_options().get("writes") else "BEGIN")


def _postgres(url: URL) -> Engine:
    options = f"-c timezone=UTC -c lock_timeout={BUSY_SECONDS}s"
    arguments = {"options": options, "connect_timeout": 10}
    return create_engine(url, connect_args=arguments, pool_pre_ping=True, hide_parameters=True)


# --- schema -----------------------------------------------------------------------------------------------------------


MIGRATIONS = Path(__file__).parent / "migrations"


def alembic_config() -> Config:
    """Alembic's configuration: where the migrations are."""
    from alembic.config import Config  # noqa: PLC0415 - only who upgrades needs it: a tenth of a small trace's time

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def known() -> list[str]:
    """The schema revisions this code knows, oldest first: each migration's file begins with its own."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def head() -> str:
    """The newest schema revision this code knows."""
    return known()[-1]


def revision(db: Connection) -> str | None:
    """The schema revision of this database; None for one without."""
    if not inspect(db).has_table("alembic_version"):
        return None
    found: str | None = db.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


@contextmanager
def _one_opener(url: URL) -> Iterator[None]:
    """Two processes may make a SQLite file at the same moment; SQLite itself cannot wait while it turns WAL on."""
    if url.get_backend_name() != "sqlite":
        yield
        return
    folder = os.open(Path(str(url.database)).parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _upgrade(engine: Engine) -> None:
    with engine.connect() as db:
        if db.dialect.name == "sqlite":
            db.connection.execute("PRAGMA journal_mode = WAL")  # outside a transaction
        if revision(db) == head():
            return
    with engine.execution_options(**WRITES).begin() as db:
        if db.dialect.name == "postgresql":
            db.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION})"))
        _check(db)
        from alembic import command  # noqa: PLC0415 - as above

        config = alembic_config()
        config.attributes["connection"] = db
        command.upgrade(config, "head")


def _check(db: Connection) -> None:
    """Refuse a database that is newer than the code or belongs to something else."""
    current = revision(db)
    if current is not None and current not in known():
        raise ConfigError(f"the database has schema {current}, which this Tracer does not know: install a newer Tracer")
    foreign = sorted(set(inspect(db).get_table_names()) & set(METADATA.tables)) if current is None else []
    if foreign:
        raise ConfigError(f"the database has a table {foreign[0]} that is not Tracer's: name another database")


# --- errors -----------------------------------------------------------------------------------------------------------


@contextmanager
def opening(url: URL) -> Iterator[None]:
    """Turn every database error while opening into a ConfigError that names the database without its password."""
    try:
        yield
    except SQLAlchemyError as error:
        raise ConfigError(f"database {shown(url)} cannot be used: {_said(error, url)}") from error
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"database {url.database!a:.200} cannot be opened: {error}") from error


@contextmanager
def speaking(url: URL) -> Iterator[None]:
    """Turn every database error into one of ours. What a statement held is not shown: it may be private."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"the store refused it: {_said(error, url)}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"the store failed, nothing of this was kept: {_said(error, url)}") from error


def shown(url: URL) -> str:
    """The URL as text, without its password."""
    if "password" in url.query:
        url = url.update_query_dict({"password": "***"})
    return url.render_as_string(hide_password=True)


def _said(error: SQLAlchemyError, url: URL) -> str:
    vendor = error.orig if isinstance(error, DBAPIError) else error
    lines = str(vendor).strip().splitlines() or [type(vendor).__name__]
    return lines[0].replace(url.password, "***") if url.password else lines[0]
