"""The canonical document: the same bytes for the same case, and a digest that anybody can work out from it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.exports.documents import (
    ETH,
    EXAMPLE,
    EXCHANGE,
    FRIEND,
    HISTORY,
    LABELS,
    LIMIT,
    MIXER,
    PEEL,
    READ,
    SPEC,
    THIEF,
    VICTIM,
    empty,
    flow,
    plain,
    sample,
    small,
    told,
)
from tests.makers import START, USDT, label, transaction, tx_hash
from tracer.exports.accounts import IN, OUT
from tracer.exports.document import Told, canonical, digest, document
from tracer.exports.plain import moment, share
from tracer.model import Case, Coverage, FlagState, Limits, OriginSpec

FREE = {  # what may change without changing the digest: who looks, how it was read, where it was found
    "transfers/*/index",  # explorers disagree on it or leave it out
    "schema",
    "case",
    "method",
    "as_of/*/chain",
    "as_of/*/at",
    "as_of/*/block",
    "quarantined",
    "stopped/by/*",
    "stopped/unread",
    "stopped/unread_most_worth",
    "stopped/unresolved",
    "addresses/*/worth",
    "addresses/*/read_order",
    "addresses/*/coverage",
    "labels/*/source",
    "facts/*/id",
    "facts/*/source_url",
    "facts/*/entity_name",
    "facts/*/note",
    "facts/*/source_kind",
    "facts/*/date_basis",
    "flags/*/id",
    "flags/*/version",
    "flags/*/state",
    "flags/*/reason",
    "flags/*/message",
    "digest",
}
ELSEWHERE = ("addresses/*/labels", "flags/*/label", "flags/*/facts", "flags/*/paths", "digests")  # said once more


def kept(made: dict[str, Any]) -> dict[str, Any]:
    """The document as it is exported: every flag with its id and what was made of it."""
    for number, flag in enumerate(made["flags"]):
        flag |= {"id": f"{number:016x}", "version": 1, "state": "open", "reason": "found"}
    return made


def leaves(part: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value."""
    if isinstance(part, dict | list) and part:
        for key, inner in part.items() if isinstance(part, dict) else enumerate(part):
            yield from leaves(inner, (*where, key))
    else:
        yield where


def changed(made: Any, where: tuple[Any, ...]) -> Any:
    """A copy in which that one value is another."""
    made = copy.deepcopy(made)
    part = made
    for step in where[:-1]:
        part = part[step]
    value = part[where[-1]]
    part[where[-1]] = (not value) if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"{value}1"
    return made


def named(where: tuple[Any, ...]) -> str:
    """The way in words, whichever place of a list."""
    return "/".join("*" if isinstance(step, int) else str(step) for step in where)


# --- bytes ------------------------------------------------------------------------------------------------------------


def test_the_same_case_is_the_same_file() -> None:
    """Twice the same bytes, which are RFC 8785: sorted members, no blanks."""
    first, second = canonical(document(told(flow()))), canonical(document(told(flow())))

    assert first == second
    assert first == rfc8785.dumps(json.loads(first))


def test_the_order_of_feeding_leaves_no_trace() -> None:
    """Backwards history and labels give the same bytes."""
    backwards = flow(reversed(HISTORY), reversed(LABELS))

    assert canonical(document(told(backwards))) == canonical(document(told(flow())))


@pytest.mark.parametrize("made", [small, sample])
def test_amounts_are_digits_and_nothing_is_a_float(made: Any) -> None:
    """Every amount is text of digits, and there is no number with a point anywhere."""
    amounts = {"amount", "received", "origin_amount", "held", "origin_held", *IN, *OUT}
    document_ = made()
    for where in leaves(document_):
        value: Any = document_
        for step in where:
            value = value[step]
        assert not isinstance(value, float), where
        if where[-1] in amounts and value is not None and "limit" not in where and "digests" not in where:
            assert isinstance(value, str), where
            assert value.isdigit(), where


def test_what_is_known_of_a_case_is_in_its_document() -> None:
    """Every transfer of what was read, dropped ones with the reason; the ledger adds up; the gap is told."""
    made = small()
    drops = [one["dropped"] for one in made["transfers"] if one["dropped"]]

    assert len(made["transfers"]) == sum(len(one.transfers) for one in HISTORY)
    assert drops == ["zero_amount"]
    assert {(gap["kind"], gap["asset"]) for gap in made["gaps"]} == {
        *(("amount_differs", USDT.contract), ("unseen", USDT.contract), ("unseen", ETH.contract))
    }
    for line in made["ledger"]:
        sums = [int(value) for name, value in line.items() if name not in ("origin", "method", "originated")]
        assert int(line["originated"]) == sum(sums) == 90
    assert {one["role"] for one in made["addresses"]} == {"transit", "arrival", "mixer", "frontier"}


def test_nothing_at_all_is_a_document() -> None:
    """An origin that never moved anything: it is named, nothing else is claimed."""
    made = empty()

    assert [one["role"] for one in made["addresses"]] == ["origin"]
    assert (made["flags"], made["ledger"], made["as_of"]) == ([], [], [])
    assert made["digest"] == digest(made)


def test_moments_are_utc_and_shares_are_cut() -> None:
    """A Z at the end, microseconds kept, no moment stays none; a share never rounds up to 1."""
    assert moment(START + timedelta(microseconds=5)) == "2024-01-01T00:00:00.000005Z"
    assert moment(None) is None
    assert share(Decimal(1)) == f"1.{'0' * (len(share(Decimal(1))) - 2)}"  # type: ignore[arg-type]


# --- the digest -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [small, sample, empty])
def test_the_digest_is_worked_out_from_the_file_alone(made: Any) -> None:
    """Also from an exported file, in which flags carry what people made of them."""
    document_ = made()
    assert digest(document_) == document_["digest"]


def test_any_change_of_an_input_or_a_sum_changes_the_digest() -> None:
    """Every value of the document is changed in turn; only those that are no part of the result may keep the digest."""
    made = kept(small())
    before = digest(made)
    assert before == made["digest"]
    keeping = {named(where) for where in leaves(made) if digest(changed(made, where)) == before}
    losing = {named(where) for where in leaves(made) if digest(changed(made, where)) != before}

    assert {where for where in keeping if not where.startswith(ELSEWHERE)} == FREE
    assert not losing & FREE
    assert "flags/*/arrivals/*/amounts/*/amount" in losing
    assert "ledger/*/held" in losing


def test_flags_that_were_withdrawn_are_no_result() -> None:
    """A flag that the newest trace no longer finds stays in the file, not in the digest."""
    made = kept(small())
    before = digest(made)
    gone = copy.deepcopy(made["flags"][0]) | {"id": "f" * 16, "state": str(FlagState.WITHDRAWN)}
    made["flags"].append(gone)
    assert digest(made) == before
    gone["state"] = "dismissed"
    assert digest(made) != before


def with_quote(said: Told, **other: Any) -> Told:
    """The same, but the exchange's fact says something else."""
    return replace(said, entities=[replace(EXAMPLE, facts=(replace(LIMIT, **other),))])


@pytest.mark.parametrize(
    "same",
    [
        lambda: replace(told(flow()), case=Case("other", "another name", (SPEC,), START + timedelta(days=9))),
        lambda: replace(told(flow()), read_order=list(reversed(READ))),
        lambda: replace(told(flow()), coverage=dict.fromkeys(READ, Coverage("complete"))),
        lambda: told(flow(labels=[replace(one, recorded_at=START, source="elsewhere") for one in LABELS])),
        lambda: with_quote(told(flow()), source_url="https://archive.example/1", note=None),
    ],
    ids=["name and time of the case", "reading order", "coverage", "record times and sources", "URLs"],
)
def test_the_same_result_keeps_its_digest(same: Any) -> None:
    """What does not change the result does not change the digest."""
    assert document(same())["digest"] == document(told(flow()))["digest"]


def test_the_headline_method_changes_nothing_but_the_headline() -> None:
    """Paths, and how long they are, may be others under another method; digest, amounts and hops are the same."""
    two_ways = (
        transaction((VICTIM, THIEF, 20), tx=1),
        transaction((THIEF, PEEL, 10), tx=2),
        transaction((THIEF, FRIEND, 10), tx=3),
        transaction((FRIEND, PEEL, 10), tx=4),
        transaction((PEEL, EXCHANGE, 10), tx=5),
    )
    fed = flow(two_ways, specs=[OriginSpec(THIEF, USDT, tx_hash(1))])
    fed.feed((), [FRIEND])
    made = {method: plain(document(told(fed, method=method))) for method in ("fifo", "lifo", "haircut")}
    paths = {json.dumps([flag.pop("paths") for flag in one["flags"]]) for one in made.values()}
    flags = {json.dumps(one["flags"]) for one in made.values()}

    assert len(paths) > 1
    assert len(flags) == 1
    assert len({one["digest"] for one in made.values()}) == 1


@pytest.mark.parametrize(
    "other",
    [
        lambda: told(flow((*HISTORY[:-1], transaction((READ[1], MIXER, 29), tx=6, block=6)))),
        lambda: told(flow(labels=[replace(LABELS[0], confidence=Decimal("0.8")), LABELS[1]])),
        lambda: told(flow(labels=[*LABELS, label(READ[1], entity="someone", category=LABELS[0].category)])),
        lambda: told(flow(specs=[OriginSpec(SPEC.address, SPEC.asset, SPEC.tx_hash, 91, report_ids=SPEC.report_ids)])),
        lambda: replace(told(flow()), limits=Limits(hops=3)),
        lambda: replace(told(flow()), policy={**told(flow()).policy, "usd_per_day": Decimal(5)}),
        lambda: with_quote(told(flow()), valid_from="2023-07-01"),
        lambda: replace(told(flow()), assets=[one for one in told(flow()).assets if one.id != ETH]),
    ],
    ids=["amount", "confidence", "label", "reported amount", "limits", "policy", "fact", "assets"],
)
def test_other_inputs_have_another_digest(other: Any) -> None:
    """Amounts, labels, reports, limits, policy and facts are all in it."""
    assert document(other())["digest"] != document(told(flow()))["digest"]


ascii_names = st.text(st.characters(codec="ascii"))
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="ascii")), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(ascii_names, plain_json, max_size=5))
def test_the_canonical_form_is_that_of_rfc_8785(value: dict[str, Any]) -> None:
    """What we write of plain JSON with ASCII names is byte for byte what a library for the standard writes."""
    assert rfc8785.dumps(value) == canonical(value)
