"""What a feed says, as a whole: its new version is added, what it no longer says is withdrawn, in one commit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, exists, func, select, update

from tracer.model import Entity, Label
from tracer.store.bulk import Interner, add, pieces
from tracer.store.claims import (
    PIECE,
    Withdrawal,
    add_entities,
    all_entities,
    fact_hash,
    label_hash,
    label_row,
    labels_where,
    withdraw_claims,
)
from tracer.store.rows import FeedVersion
from tracer.store.tables import entities, facts, feeds, labels


def replace_labels(
    db: Connection, at: datetime, feed: str, given: Iterable[Label], reason: str, *, keeps: bool = False
) -> dict[str, int]:
    """Make the standing labels of a feed those given; -> how many were added and withdrawn, and at how many addresses
    it says something else now (changed), or another claim names another category (conflicts).

    With `keeps` what it said before stands, and only addresses that it did not name yet are added. A claim that a
    person withdrew stays withdrawn.
    """
    by = f"feed {feed}"
    stood = _standing(db, feed)
    book = _Book(feed, stood, _refused(db, feed, by), frozenset(stood.values()) if keeps else frozenset())
    for piece in pieces(given, PIECE):
        book.add(db, at, piece)
    gone = {} if keeps else {claim: number for claim, number in stood.items() if claim not in book.said}
    withdraw_claims(db, labels, gone.keys(), Withdrawal(at, reason, by))
    changed = book.addresses.intersection(gone.values())
    return {
        "added": book.added - len(changed),
        "changed": len(changed),
        "withdrawn": sum(number not in changed for number in gone.values()),
        "conflicts": _conflicts(db, feed),
    }


@dataclass(slots=True)
class _Book:
    """What a feed said before and says now: nobody else can have claimed the same, as its claims carry its name.

    `stood`: its standing claims, each with its address's number. `refused`: those that a person took back. `skip`:
    addresses of which it says nothing new.
    """

    feed: str
    stood: Mapping[bytes, int]
    refused: Set[bytes]
    skip: Set[int]
    said: set[bytes] = field(default_factory=set)
    addresses: set[int] = field(default_factory=set)
    added: int = 0

    def add(self, db: Connection, at: datetime, piece: list[Label]) -> None:
        """Hear a piece of the list, and keep what is new of it."""
        intern = Interner(db)  # a new one for each piece: a list may name millions of addresses
        intern.learn_addresses(label.address for label in piece)
        claims = {label_hash(label, self.feed): label for label in piece}
        known = (self.said, self.stood, self.refused)
        rows = [
            {"claim": claim, **label_row(intern, at, label, self.feed)}
            for claim, label in claims.items()
            if not any(claim in each for each in known) and intern.address(label.address) not in self.skip
        ]
        self.added += add(db, labels, rows)
        self.said.update(claims)
        if self.stood:
            self.addresses.update(row["address_id"] for row in rows)


def _standing(db: Connection, feed: str) -> dict[bytes, int]:
    here = and_(labels.c.feed == feed, labels.c.withdrawn_at.is_(None))
    return {row.claim: row.address_id for row in db.execute(select(labels.c.claim, labels.c.address_id).where(here))}


def _refused(db: Connection, feed: str, by: str) -> set[bytes]:
    """The feed's claims that somebody else took back: a list does not overrule a person."""
    here = and_(labels.c.feed == feed, labels.c.withdrawn_at.is_not(None), labels.c.withdrawn_by != by)
    return set(db.execute(select(labels.c.claim).where(here)).scalars())


def _conflicts(db: Connection, feed: str) -> int:
    """At how many addresses a standing claim of another names another category than the feed's."""
    other = labels.alias()
    both = and_(other.c.address_id == labels.c.address_id, other.c.category != labels.c.category)
    stand = and_(labels.c.withdrawn_at.is_(None), other.c.withdrawn_at.is_(None), labels.c.feed == feed)
    query = select(func.count(func.distinct(labels.c.address_id))).select_from(labels.join(other, both)).where(stand)
    return db.execute(query).scalar_one()


def replace_entities(db: Connection, at: datetime, feed: str, given: Iterable[Entity], reason: str) -> dict[str, int]:
    """Make the standing entities and facts of a feed those given; -> how many were added or changed, and withdrawn.

    An entity that it no longer names goes, unless facts on it stand; what somebody else described stays theirs.
    """
    by = f"feed {feed}"
    wanted = list(given)
    added = add_entities(db, at, wanted, by=by, feed=feed)
    said = {fact_hash(fact) for entity in wanted for fact in entity.facts}
    ours = select(facts.c.claim).where(facts.c.feed == feed, facts.c.withdrawn_at.is_(None))
    old = withdraw_claims(db, facts, set(db.execute(ours).scalars()) - said, Withdrawal(at, reason, by))
    named = {entity.id for entity in wanted}
    gone = [key for key in db.execute(_bare(feed)).scalars() if key not in named]
    if gone:
        ended = update(entities).where(entities.c.id == bindparam("key")).values(withdrawn_at=at)
        db.execute(ended, [{"key": key} for key in gone])
    return {"entities_added": added, "entities_withdrawn": len(gone) + old}


def _bare(feed: str) -> Select[Any]:
    """The entities that only this feed describes, and on which no fact stands."""
    fact = exists().where(facts.c.entity_id == entities.c.id, facts.c.withdrawn_at.is_(None))
    return select(entities.c.id).where(entities.c.feed == feed, entities.c.withdrawn_at.is_(None), ~fact)


def add_version(db: Connection, at: datetime, version: FeedVersion) -> int:
    """Keep that a version was taken in."""
    row = {name: getattr(version, name) for name in ("feed", "version", "sha256", "licence", "url", "counts")}
    return add(db, feeds, [{**row, "recorded_at": at}])


def claims_of(db: Connection, feed: str) -> tuple[list[Label], list[Entity]]:
    """What a feed says now: its labels, and the entities that it says facts on, with these facts alone."""
    here = and_(labels.c.feed == feed, labels.c.withdrawn_at.is_(None))
    found = labels_where(db, select(labels).where(here))
    ours = select(facts.c.entity_id, facts.c.claim).where(facts.c.feed == feed, facts.c.withdrawn_at.is_(None))
    said: dict[str, set[bytes]] = defaultdict(set)
    for row in db.execute(ours):
        said[row.entity_id].add(row.claim)
    described = set(db.execute(select(entities.c.id).where(entities.c.feed == feed)).scalars())
    named = [one for one in all_entities(db) if one.id in said or one.id in described]
    return found, [
        replace(one, facts=tuple(fact for fact in one.facts if fact_hash(fact) in said[one.id])) for one in named
    ]


def versions(db: Connection) -> list[FeedVersion]:
    """Every version of every feed that was taken in, oldest first."""
    rows = db.execute(select(feeds).order_by(feeds.c.id))
    return [FeedVersion(*(row._mapping[name] for name in FeedVersion.__slots__)) for row in rows]
