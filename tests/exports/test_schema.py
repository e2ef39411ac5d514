"""The canonical document is what its schema promises, to the last member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from tests.exports.documents import empty, plain, sample, small, told
from tests.taint.histories import cases
from tracer.detect.poisoning import Drop
from tracer.detect.rules import RULES
from tracer.exports.document import SCHEMA, document
from tracer.exports.schema import schema
from tracer.model import Category, FlagState, Kind, Role, Severity
from tracer.registry.files import FACT_KINDS
from tracer.taint.entries import ACCOUNTS
from tracer.taint.flow import Flow
from tracer.taint.methods import METHODS, POISON
from tracer.taint.stops import Labels

VALIDATOR = Draft202012Validator(schema())
DEFS = schema()["$defs"]


def errors(made: Any) -> list[str]:
    """Where a document is not as promised."""
    return [f"{error.json_path}: {error.message[:200]}" for error in VALIDATOR.iter_errors(made)]


def test_the_schema_is_one() -> None:
    """It obeys JSON Schema 2020-12 and names the document's own schema."""
    Draft202012Validator.check_schema(schema())
    assert schema()["properties"]["schema"] == {"const": SCHEMA}


@pytest.mark.parametrize("made", [sample, small, empty])
def test_documents_are_as_the_schema_says(made: Any) -> None:
    """The sample case as exported, a small one as traced, and one without a transfer."""
    assert errors(made()) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_random_documents_are_as_the_schema_says(case: Any) -> None:
    """Whatever happened: bundles, wraps, mints, burns, unread and labelled addresses."""
    history, labels, specs, read = case
    flow = Flow(specs, Labels(labels))
    flow.feed(history, read)

    assert errors(plain(document(told(flow)))) == []


def objects(part: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the schema that describes an object, by its place."""
    if isinstance(part, dict):
        if part.get("type") == "object":
            yield where, part
        for name, inner in part.items():
            yield from objects(inner, f"{where}/{name}")
    elif isinstance(part, list):
        for number, inner in enumerate(part):
            yield from objects(inner, f"{where}/{number}")


@pytest.mark.parametrize(("where", "part"), list(objects(schema())))
def test_the_schema_is_strict(where: str, part: dict[str, Any]) -> None:
    """No object may have members that are not named; a flag's review, single methods and another chain may lack."""
    assert part["additionalProperties"] is False
    missing = set(part["properties"]) - set(part.get("required", ()))
    assert missing in (set(), {"id", "version", "state", "reason"}, set(METHODS), {"from_chain"}), where


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("ledger", 0, "held"), 5),
        (("ledger", 0, "held"), "-5"),
        (("ledger", 0, "held"), "05"),
        (("ledger", 0, "held"), "1e3"),
        (("origins", 0, "originated"), {"fifo": "1"}),
        (("addresses", 0, "role"), "suspect"),
        (("addresses", 0, "worth"), "1.5"),
        (("addresses", 0, "coverage"), "fully"),
        (("labels", 0, "category"), "casino"),
        (("labels", 0, "confidence"), "1.2"),
        (("transfers", 0, "kind"), "nft"),
        (("transactions", 0, "at"), "2026-01-01T00:00:00+00:00"),
        (("flags", 0, "state"), "closed"),
        (("flags", 0, "paths"), []),
        (("flags", 0, "extra"), "x"),
        (("methods",), ["fifo"]),
        (("method",), "poison"),
        (("digest",), "d28b"),
        (("extra",), None),
    ],
)
def test_what_is_wrong_is_refused(place: tuple[Any, ...], value: Any) -> None:
    """Numbers for amounts, signs, leading zeros, words nobody knows, flags without a path, new members."""
    made = sample()
    part: Any = made
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value

    assert errors(made)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (DEFS["method"]["enum"], METHODS),
        (DEFS["taint"]["properties"]["method"]["enum"], [*METHODS, POISON]),
        (DEFS["address"]["properties"]["role"]["enum"], Role),
        (DEFS["category"]["enum"], Category),
        (DEFS["transfer"]["properties"]["kind"]["enum"], Kind),
        (DEFS["transfer"]["properties"]["dropped"]["enum"], [*Drop, None]),
        (DEFS["flag"]["properties"]["state"]["enum"], FlagState),
        (DEFS["flag"]["properties"]["severity"]["enum"], Severity),
        (DEFS["flag"]["properties"]["rule"]["enum"], RULES),
        (DEFS["fact"]["properties"]["kind"]["enum"], FACT_KINDS),
        (DEFS["ledger_line"]["required"], ["origin", "method", *ACCOUNTS]),
    ],
)
def test_the_schema_knows_the_code_s_words(words: list[Any], code: Any) -> None:
    """A new role, kind, rule, reason or account is a new word of the schema too."""
    assert sorted(words, key=str) == sorted(code, key=str)
