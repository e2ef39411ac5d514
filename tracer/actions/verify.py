"""Work a case out again: from an exported file alone, or from what the store keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from tracer.actions.export import flag_row
from tracer.actions.kept import Kept
from tracer.actions.trace import collector_paused
from tracer.detect import bridges
from tracer.errors import NotFound
from tracer.exports import plain
from tracer.exports.document import canonical
from tracer.exports.plain import Plain
from tracer.exports.recheck import Difference, check, differing, standing
from tracer.exports.refold import Recorded, parse, read
from tracer.model import Case, Entity, Label, OriginSpec
from tracer.registry.registry import Registry
from tracer.sources.files import opened
from tracer.store.rows import Trace
from tracer.store.store import Store

MOST = 100  # differences that are listed
SUMS = (
    "This proves the sums, not the reading: flags, ledgers and digest follow from the transfers, labels, facts and "
    "limits in the file. That chain and lists said these is for `tracer verify CASE` to show, where the pages are kept."
)
READING = (
    "This proves the sums, and the reading as far as pages are kept: each page is what its SHA-256 says, and what was "
    "traced is what the pages that can be read again say. It does not prove that a source told the truth."
)
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of it. `differences`: the first of them, inputs before what follows from them; empty: all is the same.

    `recomputed` is the digest of what was worked out, `proves` says in words what this shows, `counts` what was looked
    at.
    """

    case: str
    digest: str
    recomputed: str
    differences: tuple[Difference, ...]
    proves: str
    counts: Mapping[str, int]


def verify_file(path: str | Path) -> Verified:
    """Check an exported document (`-`: standard input); needs no store. Raises InputError if it is no such file."""
    with opened(path) as file:
        file.content.seek(0)
        made = parse(file.content.read(), file.name)
    return _verified(made, read(made), (), SUMS, {})


def verify_case(store: Store, case_name: str, progress: Progress = lambda _what, _n: None) -> Verified:
    """Check a case's newest trace and its flags against the kept pages and the store, and work it out again.

    Raises NotFound if it was not traced, InputError if another version of the engine traced it.
    """
    case = store.case(case_name)
    newest = store.latest_trace(case.id)
    if newest is None:
        raise NotFound(f"case {case.name} was not traced yet: `tracer trace {case.name} --offline`")
    made = parse(newest.result, f"the trace of {case.name}")
    recorded = read(made)
    flow = recorded.flow
    left = {(one.address.chain, one.tx_hash) for one in recorded.work.gaps if one.address and one.tx_hash}
    kept = Kept(store, flow.transactions, flow.read, newest.created_at, progress, left - flow.transactions.keys())
    before = chain(
        kept.pages(), kept.stored(), _claims(store, made, recorded, newest), _case(store, case, made, newest)
    )
    return _verified(made, recorded, before, READING, kept.counts)


def _verified(
    made: Plain, recorded: Recorded, before: Iterable[Difference], proves: str, counts: Mapping[str, int]
) -> Verified:
    with collector_paused():
        first = list(islice(before, MOST))
        again, after = check(made, recorded)
        found = tuple(islice(chain(first, after), MOST))
    looked_at = {name: len(made[name]) for name in ("transactions", "transfers", "labels", "facts", "flags")}
    return Verified(made["case"], made["digest"], again["digest"], found, proves, {**looked_at, **counts})


# --- what the store says beside what moved ----------------------------------------------------------------------------


def _case(store: Store, case: Case, made: Plain, newest: Trace) -> Iterator[Difference]:
    """Limits, policy and reports as they were recorded; the flags, which are to say what the trace says."""
    for name in ("limits", "policy"):
        yield from differing(name, made[name], newest.settings[name])
    reported = sorted((plain.reported(one) for one in case.origins if not _held(one, made)), key=canonical)
    yield from differing("reported", made["reported"], reported)
    yield from differing("digest", made["digest"], newest.digest)
    flags = standing([flag_row(flag) for flag in store.flags(case.id)])
    yield from differing("flags", standing(made["flags"]), flags)


def _held(spec: OriginSpec, made: Plain) -> bool:
    """Whether every report that names an origin was in quarantine when the case was traced."""
    rows = {(one["report_id"], one["chain"], one["address"], one["tx_hash"]) for one in made.get("quarantined", ())}
    return bool(spec.report_ids) and all((name, *spec.address, spec.tx_hash) in rows for name in spec.report_ids)


def _claims(store: Store, made: Plain, recorded: Recorded, newest: Trace) -> Iterator[Difference]:
    """Labels and facts as they stood when the case was traced (or stand now: a trace may be told again)."""
    at, flow = newest.created_at, recorded.flow
    moved = (end for one in flow.transactions.values() for t in one.transfers for end in (t.sender, t.recipient) if end)
    ends = {*moved, *flow.read, *(spec.address for spec in flow.specs)}
    labels = [one for one in store.labels(sorted(ends), history=True) if one.confidence >= flow.limits.min_confidence]
    yield from _crossings(store, made, recorded)
    yield from _either("labels", made["labels"], *(_labels(labels, when) for when in (at, None)))
    if not made["entities"]:
        return
    then, now = store.entities(at), store.entities()
    named = {row["id"] for row in made["entities"]}
    facts = [_bare(row) for row in made["facts"]]
    yield from _either("facts", facts, _facts(then, named), _facts(now, named))
    yield from _entities(made, Registry(now))


def _crossings(store: Store, made: Plain, recorded: Recorded) -> Iterator[Difference]:
    """What was followed through bridges must be what their stored events say; they may say more by now."""
    if not made["crossings"]:
        return
    transactions = recorded.flow.transactions
    said = bridges.crossings(bridges.joins(store.logs(bridges.CONTRACTS)), transactions)
    found = {(one.out, one.into): plain.crossing(one) for one in said}
    for row in (row for row in made["crossings"] if row["into"] is not None):
        other = found.get((row["out"], row["into"])) or next(
            (plain.crossing(one) for one in said if one.out == row["out"]), None
        )
        yield from differing(f"crossings[{row['protocol']} {row['key']}]", row, other, "crossing")


def _labels(labels: Iterable[Label], at: datetime | None) -> list[Plain]:
    return [plain.label(one) for one in labels if _stood(one.recorded_at, one.withdrawn_at, at)]


def _stood(since: datetime | None, until: datetime | None, at: datetime | None) -> bool:
    if at is None:
        return until is None
    return (since is None or since <= at) and (until is None or at < until)


def _facts(entities: Iterable[Entity], named: Set[str]) -> list[Plain]:
    return [_bare(plain.fact(fact, one)) for one in entities if one.id in named for fact in one.facts]


def _bare(fact: Plain) -> Plain:
    """A fact without its id, which follows from the rest: a difference is to be told by what differs."""
    return {name: value for name, value in fact.items() if name != "id"}


def _either(name: str, traced: list[Plain], then: list[Plain], now: list[Plain]) -> Iterator[Difference]:
    """The rows traced, beside those of then; none where they are all of then, or all of now."""
    rows, *others = ({canonical(row): row for row in each} for each in (traced, then, now))
    if rows in others:
        return
    missing = [row for key, row in rows.items() if key not in others[0]]
    extra = [row for key, row in others[0].items() if key not in rows]
    for row in missing:
        other = next((one for one in extra if _about(one) == _about(row)), None)
        if other is not None:
            extra.remove(other)
        yield from _beside(name, row, other)
    for row in extra:
        yield from _beside(name, None, row)


def _beside(name: str, row: Plain | None, other: Plain | None) -> Iterator[Difference]:
    of = row or other or {}
    where = f"{name}[{' '.join(str(part) for part in _about(of))}]"
    if row and other:
        yield from differing(where, row, other)
    else:
        yield Difference(name.removesuffix("s"), where, row, other)


def _about(row: Plain) -> tuple[Any, ...]:
    """What a label or fact is about."""
    return (row["chain"], row["address"]) if "chain" in row else (row["entity"], row["kind"])


def _entities(made: Plain, registry: Registry) -> Iterator[Difference]:
    """Whom the labels' texts name."""
    for row in made["entities"]:
        for text in row["names"]:
            entity = registry.entity_of(text)
            if entity is None or entity.id != row["id"]:
                yield Difference("entity", f"entities[{row['id']}] named {text!a}", row["id"], entity and entity.id)


__all__ = ["Difference", "Verified", "verify_case", "verify_file"]
