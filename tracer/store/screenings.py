"""Screenings: answered questions, each kept with what was said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from tracer.model import Address
from tracer.store.bulk import add
from tracer.store.rows import Screening
from tracer.store.tables import screenings


def add_screenings(db: Connection, at: datetime, actor: str, given: Iterable[Screening]) -> int:
    """Keep answers; how many. The same question again is another screening: each was answered at its own moment."""
    rows = [
        {
            "asked": one.asked,
            "chain": one.address.chain,
            "address": one.address.text,
            "at": at,
            "actor": actor,
            "answer": one.answer,
        }
        for one in given
    ]
    return add(db, screenings, rows)


def of_address(db: Connection, address: Address) -> list[Screening]:
    """Every screening of an address, oldest first."""
    here = (screenings.c.chain == address.chain, screenings.c.address == address.text)
    rows = db.execute(select(screenings).where(*here).order_by(screenings.c.id))
    return [Screening(row.asked, address, row.answer, row.at, row.actor, row.id) for row in rows]
