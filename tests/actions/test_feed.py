"""Feeds: taken in as a whole or not at all, once; what a newer version no longer says is withdrawn and says why."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.actions.arrivals import EXCHANGE, OTHER, flag, place, traced
from tests.registry.test_ofac import EVM, advanced
from tracer.actions.feed import FEEDS, import_feed, sync_feed
from tracer.actions.trace import trace
from tracer.actions.verify import verify_case
from tracer.actions.who import who
from tracer.actions.withdraw import withdraw_labels
from tracer.chains import parse_address
from tracer.errors import BadRows, Conflict, InputError, NotFound, SourceBroken, SourceBusy
from tracer.model import CONFIDENCE
from tracer.settings import FeedsSettings
from tracer.store.store import Store

HEAD = "chain,address,entity,category,confidence,source\n"


def row(n: int, entity: str = "A", confidence: str = "0.5") -> str:
    """A line of a labels CSV."""
    return f"ethereum,0x{n:040x},{entity},exchange,{confidence},a list\n"


def labels(folder: Path, *rows: str, name: str = "mine.csv") -> Path:
    """A labels CSV."""
    path = folder / name
    path.write_text(HEAD + "".join(rows))
    return path


def counts(done: Any) -> tuple[int, int, int]:
    """Added, changed, withdrawn by the first file of an import."""
    made = done.taken[0].version.counts
    return made["added"], made["changed"], made["withdrawn"]


def test_a_newer_version_adds_changes_and_withdraws(store: Store, tmp_path: Path) -> None:
    """One address stays, one is another's now, one is gone, one is new; the cause is kept with what went."""
    first = import_feed(store, "labels", labels(tmp_path, row(1), row(2), row(3)), "ana")
    later = import_feed(store, "labels", labels(tmp_path, row(1), row(2, "B"), row(4)), "ana")

    assert (counts(first), counts(later)) == ((3, 0, 0), (1, 1, 1))
    assert [(one.address, one.entity) for one in store.labels([place(n) for n in range(1, 5)])] == [
        (place(1), "A"),
        (place(2), "B"),
        (place(4), "A"),
    ]
    (gone,) = store.labels([place(3)], history=True)
    version = store.feeds()[-1]
    assert gone.withdrawn_reason == f"feed labels/mine.csv, version {version.version}, no longer says it"
    assert (version.feed, version.licence, version.counts["rows"]) == ("labels/mine.csv", "yours", 3)
    assert version.version == f"sha256:{version.sha256[:12]}"


def test_the_same_file_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    """No label, no version, no page, no audit row."""
    path = labels(tmp_path, row(1), row(2))
    import_feed(store, "labels", path, "ana")
    before = store.status().counts
    again = import_feed(store, "labels", path, "ana")

    assert [one.version for one in again.taken] == [None]
    assert store.status().counts == before


def test_a_bad_file_leaves_the_feed_as_it_was(store: Store, tmp_path: Path) -> None:
    """One bad row of a folder's second file, and nothing of the first is kept either."""
    import_feed(store, "labels", labels(tmp_path, row(1)), "ana")
    before = store.status().counts
    labels(tmp_path, row(2), name="a.csv")
    labels(tmp_path, row(3), row(4, confidence="2"), name="z.csv")
    with pytest.raises(BadRows):
        import_feed(store, "labels", tmp_path, "ana")

    assert store.status().counts == before
    assert store.labels([place(2)]) == []


def test_a_folder_is_the_whole_feed(store: Store, tmp_path: Path) -> None:
    """Each file is a list of its own; one that is not in the folder any more says nothing more."""
    labels(tmp_path, row(1), name="a.csv")
    gone = labels(tmp_path, row(2), name="b.csv")
    import_feed(store, "labels", tmp_path, "ana")
    gone.unlink()
    done = import_feed(store, "labels", tmp_path, "ana")

    assert [one.unit for one in done.taken if one.version] == ["labels/b.csv"]
    assert store.labels([place(2)]) == []
    assert len(store.labels([place(1)])) == 1
    assert [one.version for one in import_feed(store, "labels", tmp_path, "ana").taken] == [None]


def test_a_feed_does_not_overrule_a_person(store: Store, tmp_path: Path) -> None:
    """What a person withdrew stays withdrawn in the next version; what a person also said stands without the feed."""
    import_feed(store, "labels", labels(tmp_path, row(1), row(2)), "ana")
    withdraw_labels(store, place(1), "ana", "wrong")
    with store.act("ana", "label", "x") as work:
        work.add_labels([one for one in store.labels([place(2)])])
    import_feed(store, "labels", labels(tmp_path, row(1), row(3)), "ana")

    assert store.labels([place(1)]) == []
    assert len(store.labels([place(3)])) == 1


def test_a_person_and_a_feed_may_say_the_same(store: Store, tmp_path: Path) -> None:
    """It is one claim while both say it, and stands on when the feed takes its own back."""
    import_feed(store, "labels", labels(tmp_path, row(1), row(2)), "ana")
    with store.act("ana", "label", "x") as work:
        assert work.add_labels([replace(store.labels([place(1)])[0], feed=None)]) == 1
    assert len(store.labels([place(1)])) == 1
    import_feed(store, "labels", labels(tmp_path, row(2)), "ana")
    assert [one.feed for one in store.labels([place(1)])] == [None]


def test_a_list_of_an_older_day_is_refused(store: Store, tmp_path: Path) -> None:
    """It would withdraw what the newer one says."""
    import_feed(store, "labels", labels(tmp_path, row(1)), "ana", as_of="2024-05-02")
    with pytest.raises(Conflict, match="older"):
        import_feed(store, "labels", labels(tmp_path, row(2)), "ana", as_of="2024-05-01")
    with pytest.raises(InputError, match="no day"):
        import_feed(store, "labels", labels(tmp_path, row(2)), "ana", as_of="May")
    with pytest.raises(NotFound, match="tagpacks"):
        import_feed(store, "nonsense", tmp_path, "ana")
    assert len(store.labels([place(1)])) == 1


def test_a_delisting_ends_the_sanction_and_keeps_whose_it_was(store: Store, tmp_path: Path) -> None:
    """OFAC's list with a party and a later one without: the address is still theirs, sanctioned until that day."""
    path, address = tmp_path / "sdn_advanced.xml", parse_address("ethereum", EVM)
    path.write_bytes(advanced())
    import_feed(store, "ofac", path, "ana")
    known = store.feeds()[-1].recorded_at
    path.write_bytes(advanced(gone=True))
    import_feed(store, "ofac", path, "ana")

    days = [datetime(*day, tzinfo=UTC) for day in ((2022, 8, 7), (2024, 1, 1), (2025, 6, 1))]
    now = [who(store, address, at=day)["sanctioned"]["answer"] for day in days]
    then = who(store, address, at=days[-1], known_at=known)
    assert now == ["no", "yes", "no"]
    assert then["sanctioned"]["answer"] == "yes"
    assert then["winner"]["entity"] == "INVENTED MIXER"
    assert import_feed(store, "ofac", path, "ana").taken[0].version is None


def test_a_later_snapshot_does_not_unsay_an_earlier_one(store: Store, tmp_path: Path) -> None:
    """An emptied address is not in the next proof of reserves, and was the exchange's all the same."""
    head = "coin,network,address,balance,Height,Third party custodian name\n"
    for day, numbers in (("20260801", (1, 2)), ("20260901", (2, 3))):
        path = tmp_path / f"wallet_address_{day}.csv"
        path.write_text(head + "".join(f"ETH,ETH,0x{n:040x},1,1,\n" for n in numbers))
        import_feed(store, "binance", path, "ana")

    found = store.labels([place(n) for n in (1, 2, 3)])
    assert ["2026-08-01" in one.source for one in found] == [True, True, False]


def test_the_cases_that_a_feed_touches_are_named(store: Store, tmp_path: Path) -> None:
    """A list that says something of an address in a case's transfers names the case, and the flags that stand there."""
    traced(store)
    touched = import_feed(store, "labels", labels(tmp_path, row(0xC3, "C")), "ana")
    assert [one.case for one in touched.affected] == ["case"]
    assert flag(store, "low_kyc_arrival").id in touched.affected[0].flags
    assert import_feed(store, "labels", labels(tmp_path, row(0xD4), name="b.csv"), "ana").affected == ()
    assert {EXCHANGE, OTHER} <= {one.address for one in store.labels()}


def test_a_case_that_met_a_feed_is_verified(store: Store, tmp_path: Path) -> None:
    """The claim that both a person and a feed make, and the feed's file among the pages, are no difference."""
    traced(store)
    path = tmp_path / "names.json"
    path.write_text(json.dumps({EXCHANGE.text: {"name": "Weak Exchange", "labels": ["exchange"]}}))
    import_feed(store, "etherscan", path, "ana")
    with store.act("ana", "label", "x") as work:
        (claim,) = [one for one in store.labels([EXCHANGE]) if one.feed]
        work.add_labels([replace(claim, feed=None)])
    trace(store, "case", "ana")

    assert verify_case(store, "case").differences == ()


def test_a_level_of_the_scale_is_a_confidence(store: Store, tmp_path: Path) -> None:
    """GraphSense's 14 levels by name."""
    path = labels(tmp_path, *(row(n + 1, confidence=name) for n, name in enumerate(CONFIDENCE)))
    import_feed(store, "labels", path, "ana")

    found = {one.address: one.confidence for one in store.labels()}
    assert [found[place(n + 1)] for n in range(len(CONFIDENCE))] == list(CONFIDENCE.values())
    assert len(CONFIDENCE) == 14


def test_every_feed_may_have_a_url() -> None:
    """The settings know the feeds, and no others."""
    assert list(FeedsSettings.model_fields) == list(FEEDS)


# --- sync -------------------------------------------------------------------------------------------------------------


@contextmanager
def served(**replies: tuple[int, bytes]) -> Iterator[str]:
    """A web server of our own; what it answers by the name asked for."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
            status, raw = replies[self.path.strip("/").partition(".")[0]]
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_feed_is_downloaded_and_taken_in(store: Store) -> None:
    """The same as by hand, and the version remembers the host it came from."""
    with served(list=(200, (HEAD + row(1)).encode())) as url:
        done = sync_feed(store, "labels", f"{url}/list.csv", "ana")
        again = sync_feed(store, "labels", f"{url}/list.csv", "ana")

    assert (counts(done), [one.version for one in again.taken]) == ((1, 0, 0), [None])
    assert (store.feeds()[-1].feed, store.feeds()[-1].url) == ("labels/list.csv", "http://127.0.0.1")


@pytest.mark.parametrize(("status", "error"), [(503, SourceBusy), (429, SourceBusy), (404, SourceBroken)])
def test_a_download_that_fails_changes_nothing(store: Store, status: int, error: type[Exception]) -> None:
    """And names the host alone: the rest of a url may hold a key."""
    with served(list=(status, b"no")) as url, pytest.raises(error, match="127.0.0.1") as raised:
        sync_feed(store, "labels", f"{url}/list.csv?key=secret", "ana")
    assert "secret" not in str(raised.value)
    assert store.feeds() == []


def test_nobody_there_is_no_reason_to_change_anything(store: Store) -> None:
    """A refused connection, and what is no web address."""
    with served() as url:
        pass
    with pytest.raises(SourceBusy):
        sync_feed(store, "labels", f"{url}/list.csv", "ana")
    with pytest.raises(InputError, match="no web address"):
        sync_feed(store, "labels", "file:///etc/passwd", "ana")


# --- the real lists ---------------------------------------------------------------------------------------------------

DATA = Path(os.environ.get("TRACER_EVALUATION_DATA", "")) / "labels"


@pytest.mark.skipif(not os.environ.get("TRACER_EVALUATION_DATA"), reason="TRACER_EVALUATION_DATA is not set")
def test_the_real_lists_are_taken_in_whole(tmp_path: Path) -> None:
    """All TagPacks, the actor pack, OFAC's addresses and Etherscan's labels; a second time nothing changes."""
    given = [
        ("actors", DATA / "graphsense_tagpacks/actors", None),
        ("tagpacks", DATA / "graphsense_tagpacks/packs", None),
        ("ofac_addresses", DATA / "ofac", "2024-09-27"),
        ("etherscan", DATA / "etherscan_labels/combinedAccountLabels.json", None),
    ]
    with Store.open(f"sqlite:///{tmp_path / 'real.db'}") as store:
        for name, path, as_of in given:
            done = import_feed(store, name, path, "ana", as_of=as_of)
            assert all(one.version for one in done.taken)
            for one in done.taken:
                made = one.version.counts if one.version else {}
                assert made["rows"] > 0
                assert made["added"] + made["entities_added"] + made["left_out"] > 0
        before = store.status().counts
        for name, path, as_of in given:
            assert not any(one.version for one in import_feed(store, name, path, "ana", as_of=as_of).taken)
        assert store.status().counts == before


@pytest.mark.skipif(not os.environ.get("TRACER_EVALUATION_DATA"), reason="TRACER_EVALUATION_DATA is not set")
def test_the_scale_is_graphsenses() -> None:
    """Every level of their file, and no other."""
    rows = (DATA / "graphsense_lib/confidence.csv").read_text().splitlines()[1:]
    assert {line.split(",")[0]: int(line.rsplit(",", 1)[1]) for line in rows} == {
        name: int(level * 100) for name, level in CONFIDENCE.items()
    }
