"""Write a traced case in one of FORMATS."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tracer.actions.probable import edges, probable
from tracer.errors import InputError, NotFound
from tracer.exports.formats import FORMATS
from tracer.store.rows import Flag
from tracer.store.store import Store

DRAWN = frozenset({"graphml"})  # formats that draw what may have come out of mixers, too; the others hold what is exact


def case_document(store: Store, case_name: str) -> dict[str, Any]:
    """The case's newest trace as its canonical document, its flags with id, state and version. Raises NotFound."""
    case = store.case(case_name)
    newest = store.latest_trace(case.id)
    if newest is None:
        raise NotFound(f"case {case.name} was not traced yet: `tracer trace {case.name} --offline`")
    made: dict[str, Any] = json.loads(newest.result)
    made["flags"] = [flag_row(flag) for flag in store.flags(case.id)]
    return made


def flag_row(flag: Flag) -> dict[str, Any]:
    """A flag as every answer shows it: what the rule found, and what people made of it. Notes stay in the store."""
    now = flag.now
    head = {"id": flag.id, "version": now.version, "state": str(flag.state), "reason": now.reason}
    return head | dict(now.body)


def export(store: Store, case_name: str, name: str) -> bytes:
    """A case in one format. Raises InputError for an unknown format, NotFound."""
    if name not in FORMATS:
        raise InputError(f"{name!r} is no format: take one of {', '.join(FORMATS)}")
    document = case_document(store, case_name)
    if name in DRAWN:
        document["branches"] = list(edges(probable(store, case_name)))
    return FORMATS[name].write(document)


def save(content: bytes, out: Path) -> None:
    """Write a file whole or not at all. Raises InputError naming the file and what the system said."""
    part = Path(f"{out.resolve()}.{os.getpid()}.part")
    try:
        if out.exists() and not out.is_file():  # a pipe or a device takes it as it comes, a folder refuses
            out.write_bytes(content)
            return
        part.write_bytes(content)
        part.replace(out.resolve())
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"cannot write {out}: {error.strerror}: name a file in a folder you may write to") from error
