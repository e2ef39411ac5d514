"""A case document proves its own sums: worked out again it is the same, and whatever was altered is named."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.exports.documents import EXAMPLE, empty, flow, plain, sample, small, told
from tests.exports.test_document import changed, kept, leaves, named
from tests.makers import USDT, tx_hash
from tests.taint.histories import cases
from tracer.errors import InputError
from tracer.exports.document import canonical, digests, document
from tracer.exports.recheck import Difference, check
from tracer.exports.refold import parse, read
from tracer.model import ENGINE
from tracer.taint.flow import Flow
from tracer.taint.stops import Labels

Plain = dict[str, Any]


def differences(made: Plain) -> list[Difference]:
    """What working it out again finds."""
    made = parse(canonical(made), "case.json")
    return list(check(made, read(made))[1])


# --- the same ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [small, sample, empty, lambda: kept(small())])
def test_an_untouched_document_is_the_same(made: Callable[[], Plain]) -> None:
    """As traced and as exported: not one member differs."""
    assert differences(made()) == []


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_any_history_is_folded_again_from_its_file(case: Any) -> None:
    """Byte for byte the same document, whatever happened, whoever was read."""
    history, labels, specs, read_ = case
    fed = Flow(specs, Labels(labels))
    fed.feed(history, read_)
    made = plain(document(told(fed)))

    assert canonical(read(made).again()) == canonical(made)


def test_what_people_made_of_flags_changes_nothing() -> None:
    """Reviews, and flags that a later trace withdrew, are no part of the sums."""
    made = kept(small())
    made["flags"].append(copy.deepcopy(made["flags"][0]) | {"id": "f" * 16, "state": "withdrawn", "rule": "gone"})
    made["flags"][0] |= {"state": "dismissed", "version": 7}

    assert differences(made) == []


# --- altered ----------------------------------------------------------------------------------------------------------

PAID = f"eip155:1:{tx_hash(5)}:token:{USDT.contract}"


def _set(*way: Any) -> Callable[[Plain], None]:
    """Put a value (the last word) at a place."""

    def alter(made: Plain) -> None:
        part = made
        for step in way[:-2]:
            part = part[step]
        part[way[-2]] = way[-1]

    return alter


def _transfer(name: str, value: Any) -> Callable[[Plain], None]:
    def alter(made: Plain) -> None:
        next(row for row in made["transfers"] if row["id"].startswith(PAID))[name] = value

    return alter


ALTERED: dict[str, tuple[Callable[[Plain], None], tuple[str, str, Any, Any]]] = {
    "a transfer's amount": (_transfer("amount", "11"), ("transfer", ".amount", "10", "11")),
    "a transfer's asset": (_transfer("asset", "native"), ("transfer", ".asset", USDT.contract, "native")),
    "whether it counts": (_transfer("dropped", "failed"), ("transfer", ".dropped", "failed", None)),
    "a label's category": (_set("labels", 0, "category", "mixer"), ("label", ".category", "exchange", "mixer")),
    "a label's confidence": (_set("labels", 0, "confidence", "0.2"), ("label", ".confidence", "0.9", "0.2")),
    "a fact's start": (
        _set("facts", 0, "valid_from", "2025-01-01"),
        ("fact", ".valid_from", "2023-06-01", "2025-01-01"),
    ),
    "a limit": (_set("limits", "hops", 3), ("limit", "limits.hops", 20, 3)),
    "a limit of hubs": (_set("limits", "hub_counterparties", 7), ("limit", "limits.hub_counterparties", 100, 7)),
    "the policy": (_set("policy", "usd_per_day", "5"), ("policy", "policy.usd_per_day", "10000", "5")),
    "what was reported": (_set("reported", 0, "amount", "99"), ("reported", "reported", "a", "a row")),
    "what was read": (lambda made: made["read"].pop(), ("read", "read", "digest", "digest")),
    "a held amount": (_set("addresses", 2, "taint", 0, "held", "1"), ("address", ".held", "1", "0")),
    "a ledger": (_set("ledger", 0, "held", "1"), ("ledger", ".held", "1", "0")),
}


def _short(value: Any) -> Any:
    return value.split()[0] if isinstance(value, str) else "a row" if isinstance(value, dict) else value


@pytest.mark.parametrize("how", ALTERED)
def test_what_was_altered_is_named_first(how: str) -> None:
    """The member, row or value itself, with what it was where the file can tell; never just another digest."""
    alter, (what, where, was, found) = ALTERED[how]
    made = kept(small())
    alter(made)
    first = differences(made)[0]

    assert (what, True) == (first.what, where in first.where)
    assert (was, found) == (_short(first.recorded), _short(first.found))


def test_a_result_that_does_not_follow_is_named_with_both_values() -> None:
    """Whoever rewrites a sum and its digests is still found out: the sum does not follow from the transfers."""
    made = small()
    (peel,) = (row for row in made["addresses"] if row["role"] == "transit" and row["read_order"] == 2)
    (row,) = (row for row in peel["taint"] if row["method"] == "fifo")
    was, row["held"] = row["held"], "77"
    made["digest"], made["digests"] = digests(made)
    first = differences(made)[0]

    assert (first.what, first.recorded, first.found) == ("address", "77", was)
    assert first.where.endswith(".held")


def test_an_altered_input_with_new_digests_shows_in_what_follows() -> None:
    """A label is turned and the digests made anew: its echo beside the address, and the flag, tell what it was."""
    made = small()
    made["labels"][0]["category"] = "mixer"
    made["digest"], made["digests"] = digests(made)
    found = [(one.what, one.recorded, one.found) for one in differences(made)]

    assert ("address", "exchange", "mixer") in found


FREE = {  # nothing follows from these: a name, and what people made of flags
    *("case", "quarantined", "flags/*/id", "flags/*/version", "flags/*/state", "flags/*/reason"),
    *("transfers/*/index", "labels/*/source"),  # of a label's source only the order of equal claims depends on
    *("facts/*/note", "facts/*/source_kind", "facts/*/date_basis", "addresses/*/coverage"),  # said, not weighed
}


def test_every_value_is_checked() -> None:
    """Every value of a document is changed in turn: each is found out or the file refused, but for the free ones."""
    made = kept(small())
    unseen = set()
    for where in leaves(made):
        try:
            same = not differences(changed(made, where))
        except InputError:
            continue
        if same:
            unseen.add(named(where))

    assert unseen <= FREE


# --- files that cannot be checked -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[1]", "is no tracer.case/1 but None"),
        ('{"schema": "tracer.case/2"}', "is no tracer.case/1 but 'tracer.case/2'"),
        (
            '{"schema": "tracer.case/1", "engine": "tracer.taint/99"}',
            f"this is {ENGINE}: trace the case with this version",
        ),
        ('{"a": 1.5}', "a number that a case document never has"),
    ],
)
def test_another_file_is_refused_with_the_remedy(content: str, words: str) -> None:
    """No JSON, another schema, a later engine: each says what it is and what to do."""
    with pytest.raises(InputError) as refused:
        parse(content, "x.json")

    assert words in str(refused.value)


def _without(name: str) -> Callable[[Plain], None]:
    return lambda made: made.pop(name)


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (_without("labels"), "no member 'labels'"),
        (_without("digests"), "no member 'digests'"),
        (lambda made: made["transfers"][3].pop("amount"), "transfers[3] cannot be read (no 'amount')"),
        (_set("transfers", 3, "amount", "-1"), "transfers[3] cannot be read ('-1' is no amount"),
        (_set("transfers", 3, "amount", 5), "transfers[3] cannot be read (5 is no text)"),
        (_set("transactions", 0, "at", "yesterday"), "transactions[0] cannot be read"),
        (_set("transactions", 0, "at", "2024-01-01T00:00:00"), "no moment in UTC"),
        (lambda made: made["transactions"].pop(0), "is not in transactions"),
        (_set("labels", 0, "category", "bank"), "labels[0] cannot be read ('bank' is not a valid Category)"),
        (_set("limits", "hops", "many"), "limits cannot be read"),
        (lambda made: made["limits"].pop("hops"), "limits must be an object of"),
        (_set("policy", 5), "policy must be an object of"),
        (_set("read", {}), "read is no list"),
        (_set("method", "average"), "'average' is no method"),
        (_set("reported", 0, "chain", "nowhere"), "reported[0] cannot be read"),
    ],
)
def test_a_file_that_lacks_something_says_what(alter: Callable[[Plain], Any], words: str) -> None:
    """The member and row are named; nothing is guessed in its place."""
    made = small()
    alter(made)
    with pytest.raises(InputError) as refused:
        read(parse(json.dumps(made), "x.json"))

    assert words in str(refused.value)


def test_entities_keep_the_names_that_labels_use() -> None:
    """The file says whom a label's text names, so that facts are weighed without a registry."""
    made = plain(document(told(flow())))

    assert [(row["id"], row["names"]) for row in made["entities"]] == [(EXAMPLE.id, [EXAMPLE.name])]
