"""Opening a store: new, again, by many at once, of another version, not there at all."""

import multiprocessing
import os
import sqlite3
import stat
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from tests.makers import address, label
from tracer.errors import ConfigError, StoreError
from tracer.model import Address
from tracer.store import engine, tables
from tracer.store.store import Store


def test_the_revisions_are_those_of_the_migrations() -> None:
    """What is read off the files' names is what the migrations say of themselves."""
    scripts = ScriptDirectory.from_config(engine.alembic_config())

    assert [script.revision for script in reversed(list(scripts.walk_revisions()))] == engine.known()
    assert scripts.get_current_head() == engine.head()


def test_migrations_build_what_the_tables_say(store: Store, database_url: str) -> None:
    """Up from nothing gives exactly the tables declared, on both engines."""
    opened = create_engine(engine.parse(database_url))
    with opened.connect() as db:
        context = MigrationContext.configure(db, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, tables.METADATA) == []
    opened.dispose()
    assert store.status().revision == store.status().head


def test_down_leaves_nothing(store: Store, database_url: str) -> None:
    """The way down removes every table and view, and the way up works again."""
    store.close()
    opened = create_engine(engine.parse(database_url))
    with opened.begin() as db:
        config = engine.alembic_config()
        config.attributes["connection"] = db
        command.downgrade(config, "base")
    with opened.connect() as db:
        assert inspect(db).get_table_names() == ["alembic_version"]
        assert inspect(db).get_view_names() == []
    opened.dispose()
    with Store.open(database_url) as again:
        assert again.status().counts["labels"] == 0


def test_an_older_store_is_brought_up(database_url: str) -> None:
    """What the first schema held is read by today's, and can be withdrawn; on the way down what is withdrawn goes."""
    opened = create_engine(engine.parse(database_url))
    config = engine.alembic_config()
    with opened.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0001")
        for line in (
            "INSERT INTO addresses (id, chain, text) VALUES (7, 'eip155:1', 'a')",
            "INSERT INTO assets VALUES (3, 'eip155:1', 'native', '', NULL, true)",
            "INSERT INTO pages VALUES (1, 'node', 'rpc', 'a', 0, 'x', 0, '', '2024-01-01 00:00:00.000000')",
            "INSERT INTO transactions VALUES "
            "(5, 'eip155:1', 'x', '2024-01-01 00:00:00.000000', 9, NULL, 7, NULL, true, true, 1)",
            "INSERT INTO transfers VALUES ('k', 5, 'native', 3, 7, NULL, '12', 0, NULL, NULL)",
        ):
            db.execute(text(line))
    with Store.open(database_url) as store:
        (found,) = store.transactions_of([Address("eip155:1", "a")])
        assert [moved.amount for moved in found.transfers] == [12]
        with store.act("job", "pull", "a") as work:
            assert work.rewind("node", "eip155:1", 8, "gone") == 1
    with opened.begin() as db:
        config.attributes["connection"] = db
        command.downgrade(config, "0001")
        assert db.execute(text("SELECT count(*) FROM transactions")).scalar() == 0
        assert db.execute(text("SELECT count(*) FROM transfers_text")).scalar() == 0
    opened.dispose()


def test_blocks_of_an_older_store_are_those_of_its_sources(database_url: str) -> None:
    """Who had read of a chain is taken to have said its blocks; on the way down each number has one hash again."""
    opened = create_engine(engine.parse(database_url))
    config = engine.alembic_config()
    with opened.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0002")
        for line in (
            "INSERT INTO addresses (id, chain, text) VALUES (7, 'eip155:1', 'a')",
            "INSERT INTO blocks VALUES ('eip155:1', 9, '0xa9')",
            "INSERT INTO coverage VALUES (7, 'node', 'complete', '', NULL, 9, '0xa9', '2024-01-01 00:00:00.000000')",
            "INSERT INTO coverage VALUES (7, 'file:x', 'partial', 'file', NULL, NULL, NULL, '2024-01-01 00:00:00')",
        ):
            db.execute(text(line))
    with Store.open(database_url) as store:
        assert store.block_sources("eip155:1") == ["node"]
        assert store.blocks("eip155:1", "node") == [(9, "0xa9")]
        with store.act("job", "pull", "a") as work:
            work.add_blocks("eip155:1", "other", {9: "0xb9", 10: "0xb0"})
    with opened.begin() as db:
        config.attributes["connection"] = db
        command.downgrade(config, "0002")
        assert db.execute(text("SELECT number, hash FROM blocks ORDER BY 1")).all() == [(9, "0xa9"), (10, "0xb0")]
    opened.dispose()


def test_what_was_written_is_there_again(store: Store, database_url: str) -> None:
    """A second store on the same database sees what the first wrote."""
    with store.act("ana", "label", "A") as work:
        work.add_labels([label(address(1))])
    with Store.open(database_url) as again:
        assert again.labels() == store.labels()
        assert again.verify_audit() is None


def test_sqlite_is_set_up_for_many_readers(sqlite_url: str, tmp_path: Path) -> None:
    """The file is in WAL mode and foreign keys are enforced."""
    with Store.open(sqlite_url) as store, store.act("ana", "label", "A") as work:
        assert work._db.execute(text("PRAGMA foreign_keys")).scalar() == 1
    with sqlite3.connect(tmp_path / "tracer.db") as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    raw.close()


def _open_and_write(url: str, n: int, gate: Barrier) -> None:
    gate.wait()
    with Store.open(url) as store, store.act(f"process {n}", "label", str(n)) as work:
        work.add_labels([label(address(n))])


def test_processes_may_open_a_new_database_at_once(database_url: str) -> None:
    """Four processes at the same new database: all succeed, one makes the schema, nothing is lost."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(4)
    crowd = [context.Process(target=_open_and_write, args=(database_url, n, gate)) for n in range(4)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(60)
    assert [process.exitcode for process in crowd] == [0] * 4
    with Store.open(database_url) as store:
        assert len(store.labels()) == len(store.audit()) == 4
        assert store.verify_audit() is None


def test_a_newer_schema_is_refused(store: Store, database_url: str) -> None:
    """A database from a newer Tracer says so and is not touched."""
    opened = create_engine(engine.parse(database_url))
    with opened.begin() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    opened.dispose()
    with pytest.raises(ConfigError, match=r"9999.*newer Tracer"):
        Store.open(database_url)


def test_a_stranger_s_database_is_refused(database_url: str) -> None:
    """Tables of another program are not taken over."""
    opened = create_engine(engine.parse(database_url))
    with opened.begin() as db:
        db.execute(text("CREATE TABLE labels (x INTEGER)"))
    opened.dispose()
    with pytest.raises(ConfigError, match="labels"):
        Store.open(database_url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "not a URL"),
        ("mysql://u:s3cret@h/d", "mysql is not supported"),
        ("sqlite://", "names no file"),
        ("sqlite:///nowhere/at/all/tracer.db", "nowhere/at/all"),
        ("postgres://u:s3cret@127.0.0.1:1/d", "127.0.0.1"),
        ("postgresql://127.0.0.1:1/d?password=s3cret&user=u", "127.0.0.1"),
    ],
)
def test_a_database_that_cannot_be_used_is_named(url: str, said: str) -> None:
    """The error says what to change and never shows a password."""
    with pytest.raises(ConfigError, match=said) as caught:
        Store.open(url)
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Another file is named, not overwritten."""
    path = tmp_path / "tracer.db"
    path.write_text("these are my holiday notes " * 100)
    with pytest.raises(ConfigError, match="tracer.db"):
        Store.open(f"sqlite:///{path}")
    assert path.read_text().startswith("these are")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The remedy names the folder's rights before SQLite fails in the middle."""
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(ConfigError, match="rights"):
        Store.open(f"sqlite:///{tmp_path / 'tracer.db'}")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_way_to_write_postgres_is_psycopg(scheme: str) -> None:
    """Hosts hand out different schemes for the same database."""
    assert engine.parse(f"{scheme}://u@h/d").drivername == "postgresql+psycopg"


def test_a_database_that_breaks_is_a_store_error(store: Store, database_url: str) -> None:
    """No vendor's exception comes out, and no statement's values are shown."""
    opened = create_engine(engine.parse(database_url))
    with opened.begin() as db:
        db.execute(text("DROP VIEW labels_text"))
        db.execute(text("DROP TABLE labels"))
    opened.dispose()
    with pytest.raises(StoreError, match="labels") as caught, store.act("ana", "label", "A") as work:
        work.add_labels([label(address(1), entity="private matter")])
    assert "private matter" not in str(caught.value) + str(caught.value.__cause__)


def test_the_url_is_shown_without_its_password() -> None:
    """Both places where a password may stand are hidden."""
    shown = engine.shown(engine.parse("postgres://u:s3cret@h/d?password=s3cret"))
    assert "s3cret" not in shown
    assert "u:***@h/d" in shown
