"""What looks for keys after all tests finds one wherever it may lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.left import MARKS, in_database, in_files
from tests.makers import START, address
from tracer.model import Case, OriginSpec
from tracer.store.store import Store


@pytest.mark.parametrize("mark", MARKS)
def test_a_key_is_found_in_a_page_a_note_and_a_file(tmp_path: Path, mark: bytes) -> None:
    """Compressed in a kept page, in plain text of an act, in a log; settings may hold it."""
    folder = tmp_path / "left"
    folder.mkdir()
    url = f"sqlite:///{folder / 'tracer.db'}"
    with Store.open(url) as store, store.act("ana", "test", "x", said=mark.decode()) as work:
        work.add_page("node", "page", 0, b"a" * 5000 + mark + b"b" * 5000)
        work.open_case(Case("1", "case", (OriginSpec(address(1)),), START))
    (folder / "pull.log").write_bytes(b"asked " + mark)
    (folder / "tracer.toml").write_bytes(b'key = "' + mark + b'"')

    assert ["audit.detail", "pages.raw"] == sorted(in_database(url))
    found = {Path(what.partition(":")[0]).name for what in in_files(folder)}
    for path in folder.iterdir():
        path.unlink()  # the look after all tests must not find them
    assert {"pull.log", "tracer.db"} == found
