"""What the store answers where the model has no word of its own: plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracer.model import Address, Checkpoint, Coverage, Fact, FlagState, Report, Severity


@dataclass(frozen=True, slots=True)
class Status:
    """The schema this database has, the newest one the code knows, and how many rows each table holds."""

    revision: str | None
    head: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Added:
    """How many were new."""

    transactions: int = 0
    transfers: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """One raw reply or part of a file. `sha256` is hex and `size` bytes, both of `raw`, the unchanged content."""

    id: int
    source: str
    kind: str
    name: str
    sequence: int
    sha256: str
    size: int
    recorded_at: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """What one source has said about one address so far."""

    address: Address
    source: str
    coverage: Coverage
    checkpoint: Checkpoint
    at: datetime


@dataclass(frozen=True, slots=True)
class LogHead:
    """How far one source read a contract's logs: from block `since` on; `done`: up to the newest final block."""

    contract: Address
    source: str
    checkpoint: Checkpoint
    since: int
    done: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Trace:
    """One stored run of a case. `result` is the canonical JSON as it was given."""

    id: int
    case_id: str
    digest: str
    engine: str
    method: str
    settings: Any
    stopped: Any
    result: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FlagBody:
    """What a rule found at an address, ready to be kept: `body` is JSON (texts, whole numbers, lists, objects)."""

    body: Mapping[str, Any]
    severity: Severity
    rule_version: int = 1
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class FlagVersion:
    """What was found at one time, the state it had then, and why this version was written."""

    version: int
    rule_version: int
    entity: str | None
    severity: Severity
    state: FlagState
    body: Mapping[str, Any]
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Review:
    """What a person made of one version of a flag."""

    version: int
    state: FlagState
    note: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag with its history, oldest first. `state` is what it is now; `now` the newest version."""

    id: str
    case_id: str
    rule: str
    address: Address
    state: FlagState
    versions: tuple[FlagVersion, ...]
    reviews: tuple[Review, ...] = ()

    @property
    def now(self) -> FlagVersion:
        """The newest version."""
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class Screening:
    """One answered question about an address, asked in whatever spelling (`asked`). `answer`: JSON text on one line.

    `at`, `actor` and `id` are the store's to say: what is given there is not looked at.
    """

    asked: str
    address: Address
    answer: str
    at: datetime | None = None
    actor: str = ""
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job. Without `ended_at` it is under way or its process is gone; then `result` may be "abandoned"."""

    id: int
    job: str
    holder: str
    started_at: datetime
    ended_at: datetime | None
    result: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Stated:
    """A fact with its history: since when it is known here, and if it was withdrawn, when, why and by whom."""

    fact: Fact
    recorded_at: datetime
    withdrawn_at: datetime | None
    withdrawn_reason: str | None
    withdrawn_by: str | None
    feed: str | None


@dataclass(frozen=True, slots=True)
class FeedVersion:
    """A version of a feed that was taken in, and what it changed: added, changed, withdrawn, left_out, conflicts."""

    feed: str
    version: str
    sha256: str
    licence: str
    url: str | None
    counts: Mapping[str, int]
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Whether a line of a report is held in quarantine or was released, why and by whom."""

    report: Report
    held: bool
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Audit:
    """One act. `hash` is the SHA-256 hex of the row's canonical JSON, which holds `previous`, the hash before it."""

    seq: int
    at: datetime
    actor: str
    act: str
    subject: str
    detail: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Spent:
    """How often a provider was asked under one name on a day (UTC, ISO)."""

    day: str
    calls: int


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong last, without secrets, and when."""

    error: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block that a source called final, and the newest one that it was read to."""

    chain: str
    source: str
    final: int
    read: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two sources that do not say the same. `kind`: block or transfers; `subject`: a block's number, or an address with
    the blocks in question. `recorded_at` is the store's to say.
    """

    chain: str
    kind: str
    subject: str
    one: str
    one_says: str
    other: str
    other_says: str
    recorded_at: datetime | None = None
