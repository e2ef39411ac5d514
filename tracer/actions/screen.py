"""May this deposit be credited? What is known of an address, now: labels, exposure to open cases, path, coverage.

Nothing known is `unknown`, never low. Every answer is kept with the moment it was given.
"""

from __future__ import annotations

import io
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from tracer.actions.freezes import Freezes
from tracer.actions.registry import refresh
from tracer.chains import parse_caip10
from tracer.detect.sanctions import sanctioned
from tracer.errors import BadRow, BadRows, InputError
from tracer.exports import plain
from tracer.model import Address, CaseState, Label
from tracer.registry.registry import Registry
from tracer.store.rows import Screening
from tracer.store.store import Store
from tracer.taint.entries import LEAVES
from tracer.taint.methods import METHODS, POISON

SCHEMA = "tracer.screening/1"
WORST = 1000  # bad lines that are named
READ = 1 << 14  # bytes of what is asked that are read at once
FRESH_SECONDS = 60.0
HOP = ("tx_hash", "at", "by", "sender", "recipient", "asset", "received_asset")
CARRIED = ("amount", "received", "origin_amount")
LONGEST_LINE = 300  # no address of any chain comes near it
Answer = dict[str, Any]
Asked = tuple[str, Address]  # as it was submitted, and what it is


def asked(texts: Iterable[str]) -> list[Asked]:
    """Addresses written CHAIN:ADDRESS. Raises BadRows naming every one that is none (1 is the first)."""
    found: list[Asked] = []
    bad: list[BadRow] = []
    _pick(enumerate(texts, 1), found, bad.append)
    if bad:
        raise BadRows(tuple(bad[:WORST]), len(bad))
    return found


def streamed(path: Path, refused: Callable[[BadRow], None]) -> Iterator[list[Asked]]:
    """What a file asks, one address a line, as it comes: of a pipe (`-`: standard input) no line waits for the next.

    A line that is no address is told to `refused`; the others are given. Raises InputError if it is no readable file.
    """
    number, rest = 1, b""
    for read in _reads(path):
        *whole, rest = (rest + read).split(b"\n")
        rest = rest[:LONGEST_LINE]
        found: list[Asked] = []
        _pick(enumerate((line.decode("utf-8", "replace") for line in whole), number), found, refused)
        number += len(whole)
        if found:
            yield found


def _reads(path: Path) -> Iterator[bytes]:
    """What there is to read at a time, the last line ended."""
    pipe = str(path) == "-"
    try:
        with io.FileIO(sys.stdin.fileno() if pipe else path, closefd=not pipe) as file:
            while read := file.read(READ):
                yield read
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}: name a text file of addresses") from error
    yield b"\n"


def _pick(lines: Iterable[tuple[int, str]], found: list[Asked], refused: Callable[[BadRow], None]) -> None:
    """Put every address in `found`; tell of what is none. Empty lines and comments (#) ask nothing."""
    for number, line in lines:
        submitted = line.strip().removeprefix("\ufeff")
        if submitted and not submitted.startswith("#"):
            try:
                if len(line) >= LONGEST_LINE:
                    raise InputError(f"a line is longer than {LONGEST_LINE} characters: write one address a line")
                found.append((submitted, parse_caip10(submitted)))
            except InputError as error:
                refused(BadRow(number, str(error)))


def screen(
    store: Store, pieces: Iterable[Sequence[Asked]], actor: str, fresh_seconds: float = FRESH_SECONDS
) -> Iterator[Answer]:
    """Answer one after the other and keep each answer, a piece at a time: one commit and one act each.

    Memory is bounded by the open cases and a piece, not by what is asked. What cases, reports and entities say is at
    most `fresh_seconds` old, for a feed may stay open for days; labels and coverage are of the moment.
    """
    now, until = _Now.of(store), monotonic() + fresh_seconds
    for piece in pieces:
        if monotonic() >= until:
            now, until = _Now.of(store), monotonic() + fresh_seconds
        answers = _answers(store, now, piece)
        with store.act(actor, "screen", f"{len(piece)} address{'es' if len(piece) != 1 else ''}") as work:
            work.add_screenings(
                Screening(submitted, address, json.dumps(answer, ensure_ascii=False))
                for (submitted, address), answer in zip(piece, answers, strict=True)
            )
        yield from answers


def _reported(store: Store) -> Mapping[Address, list[Answer]]:
    """The addresses that reports and open cases name, traced or not."""
    said: dict[Address, list[Answer]] = defaultdict(list)
    for report in store.reports():
        said[report.address].append({"report_id": report.report_id, "tx_hash": report.tx_hash, "case": None})
    for case in store.cases():
        for spec in case.origins if case.state is CaseState.OPEN else ():
            rows = [{"report_id": name, "tx_hash": spec.tx_hash, "case": case.name} for name in spec.report_ids]
            said[spec.address] += rows or [{"report_id": None, "tx_hash": spec.tx_hash, "case": case.name}]
    return said


def _traces(store: Store) -> Iterator[tuple[str, Any]]:
    for case in store.cases():
        newest = store.latest_trace(case.id) if case.state is CaseState.OPEN else None
        if newest is not None:
            yield case.name, newest


def _answers(store: Store, now: _Now, piece: Sequence[Asked]) -> list[Answer]:
    places = [address for _, address in piece]
    labels: dict[Address, list[Label]] = defaultdict(list)
    for label in store.labels(places):
        labels[label.address].append(label)
    coverage: dict[Address, list[str]] = defaultdict(list)
    for read in store.coverage(places):
        coverage[read.address].append(f"{read.source}: {read.coverage}")
    at = datetime.now(UTC)
    as_of = [{"case": case.name, "heads": case.heads, "digest": case.digest} for case in now.cases]
    answers = []
    for submitted, address in piece:
        exposures = [exposure for case in now.cases for exposure in case.exposures(address)]
        known = [f"case {case.name}: {case.rows[address]['coverage']}" for case in now.cases if address in case.rows]
        answers.append(
            {
                "schema": SCHEMA,
                "address_submitted": submitted,
                **plain.place(address),
                "known": _verdict(now.reported.get(address, ()), exposures, labels[address]),
                "reported": now.reported.get(address, []),
                "labels": [_label(label, now.registry, at) for label in labels[address]],
                "freezes": now.freezes.of_address(address),
                "freezes_read": now.freezes.read_on(address.chain),
                "exposures": exposures,
                "coverage": coverage[address] or known or ["unread"],
                "at": plain.moment(at),
                "as_of": as_of,
            }
        )
    return answers


def _verdict(reported: Sequence[Answer], exposures: Sequence[Answer], labels: Sequence[Label]) -> str:
    """The gravest that is known: it was itself reported; tainted money of an open case came; somebody labels it."""
    found = {"reported": reported, "exposed": exposures, "labelled": labels}
    return next((word for word, known in found.items() if known), "unknown")


def _label(label: Label, registry: Registry, now: datetime) -> Answer:
    entity = registry.entity_of(label.entity)
    judged = sanctioned(entity, now) if entity else None
    return plain.label(label) | {
        "entity_name": entity.name if entity else None,
        "sanctioned": str(judged.answer) if judged else "unknown",
        "recorded_at": plain.moment(label.recorded_at),
    }


@dataclass(frozen=True, slots=True)
class _Now:
    """What is the same for all that are asked."""

    registry: Registry
    cases: list[_Known]
    reported: Mapping[Address, list[Answer]]
    freezes: Freezes

    @classmethod
    def of(cls, store: Store) -> _Now:
        """As the store has it now."""
        cases = [_Known.of(json.loads(trace.result), name) for name, trace in _traces(store)]
        return cls(refresh(store), cases, _reported(store), Freezes.of(store))


@dataclass(slots=True)
class _Known:
    """What one open case knows of addresses, from its newest trace."""

    name: str
    digest: str
    method: str
    heads: list[Answer]
    rows: dict[Address, Answer]
    origins: dict[str, Answer]
    into: dict[Address, list[tuple[int, Answer]]] = field(default_factory=lambda: defaultdict(list))
    flags: dict[Address, list[Answer]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, document: Mapping[str, Any], name: str) -> _Known:
        """Index a case document by address."""
        rows = {Address(row["chain"], row["address"]): row for row in document["addresses"]}
        origins = {origin["id"]: origin for origin in document["origins"]}
        made = cls(name, document["digest"], document["method"], document["as_of"], rows, origins)
        for place, hop in enumerate(document["hops"]):
            if hop["by"] not in LEAVES:  # that came to nobody's address
                made.into[Address(hop["chain"], hop["recipient"])].append((place, hop))
        for flag in document["flags"]:
            made.flags[Address(flag["chain"], flag["address"])].append(flag)
        return made

    def exposures(self, address: Address) -> list[Answer]:
        """What of the case's money came to the address: per origin, asset and method, with the path of the largest."""
        row = self.rows.get(address)
        if row is None:
            return []
        amounts = [one for one in row["taint"] if one["method"] != POISON and int(one["amount"])]
        if not amounts:
            return []
        origins = sorted({one["origin"] for one in amounts})
        paths = {origin: self._proof(address, origin) or self._path(address, origin) for origin in origins}
        return [
            {
                "case": self.name,
                "role": row["role"],
                "hops": row["hops"],
                "exposure_type": "direct" if row["hops"] is not None and row["hops"] <= 1 else "indirect",
                "direction": "incoming",
                "rules": [flag["rule"] for flag in self.flags.get(address, ())],
                "origin": origin,
                "report_ids": self.origins[origin]["report_id"] if origin in self.origins else [],
                "amounts": [_amount(one) for one in amounts if one["origin"] == origin],
                "arrived": self._arrived(address, origin, (paths[origin] or {"method": ""})["method"]),
                "path": paths[origin],  # under one method, which it names
            }
            for origin in origins
        ]

    def _arrived(self, address: Address, origin: str, method: str) -> list[Answer]:
        """Of what flags found: this origin's amount under a method, and all that came in the same transactions."""
        found: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
        for arrival in (one for flag in self.flags.get(address, ()) for one in flag["arrivals"]):
            for one in arrival["amounts"]:
                if (one["origin"], one["method"]) == (origin, method) and int(one["amount"]):
                    found[arrival["asset"]][arrival["tx_hash"]] = (int(one["amount"]), int(arrival["whole"]))
        return [_together(asset, list(by_tx.values())) for asset, by_tx in sorted(found.items())]

    def _proof(self, address: Address, origin: str) -> Answer | None:
        """The first path that a flag has of this origin, as far as the address; None where nothing was flagged."""
        paths = (path for flag in self.flags.get(address, ()) for path in flag["paths"])
        for path in (path for path in paths if path["origin"] == origin):
            hops = [{key: hop[key] for key in (*HOP, *CARRIED)} for hop in path["hops"] if hop["by"] not in LEAVES]
            return {"method": path["method"], "carried": path["carried"], "hops": hops}
        return None

    def _path(self, address: Address, origin: str) -> Answer | None:
        """The hops back to the origin, oldest first, under the case's method or else the first that brings any.

        At every address the largest hop that had come by then in the asset that went on.
        """
        for method in [self.method, *(method for method in METHODS if method != self.method)]:
            hops: list[Answer] = []
            place, asset, before = address, None, 1 << 62
            while (step := self._largest(place, asset, origin, method, before)) is not None:
                before, hop = step
                hops.append({key: hop[key] for key in HOP} | hop["amounts"][method])
                place, asset = Address(plain.from_chain(hop), hop["sender"]), hop["asset"]
            if hops:
                return {"method": method, "carried": None, "hops": hops[::-1]}
        return None

    def _start(self, origin: str) -> Address | None:
        """The reported address; None for a payment, which starts nowhere that is followed."""
        one = self.origins.get(origin, {})
        return Address(one["chain"], one["address"]) if one and one["tx_hash"] is None else None

    def _largest(  # noqa: PLR0917 - what a hop must fit
        self, place: Address, asset: str | None, origin: str, method: str, before: int
    ) -> tuple[int, Answer] | None:
        start = self._start(origin)
        coming = [
            (int(hop["amounts"][method]["origin_amount"]), -number, hop)
            for number, hop in self.into.get(place, ())
            if number < before
            and hop["origin"] == origin
            and method in hop["amounts"]
            and asset in (None, hop["received_asset"])
            and (place != start or hop["sender"] == hop["recipient"])  # it starts here; only its asset may have changed
        ]
        if not coming:
            return None
        _, number, hop = max(coming, key=lambda one: one[:2])
        return -number, hop


def _amount(one: Mapping[str, Any]) -> Answer:
    return {key: one[key] for key in ("asset", "method", "amount", "origin_amount", "held", "origin_held")}


def _together(asset: str, arrivals: Sequence[tuple[int, int]]) -> Answer:
    amount, whole = (str(sum(each)) for each in zip(*arrivals, strict=True))
    return {"asset": asset, "amount": amount, "whole": whole, "transactions": len(arrivals)}
