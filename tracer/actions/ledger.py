"""One address's ledger in a traced case: the trace is folded again from its document, and its lines written down."""

from __future__ import annotations

from tracer.actions.trace import collector_paused
from tracer.chains import parse_asset
from tracer.errors import NotFound, UnknownMethod
from tracer.exports.ledger import tainted, told
from tracer.exports.plain import Plain
from tracer.exports.refold import parse, read
from tracer.model import Address, AssetId
from tracer.store.store import Store
from tracer.taint.ledger import Ledger, ledger
from tracer.taint.methods import METHODS


def address_ledger(
    store: Store, case_name: str, address: Address, *, asset: str | None = None, method: str | None = None
) -> tuple[Plain, Plain]:
    """-> (the ledger under a method, the case's by default; the document it was taken from).

    `asset`: native or a contract; by default every one in which tainted money came or went there. Raises NotFound for
    the case, and where nothing of the sort went through that address; UnknownMethod, UnknownAsset.
    """
    case = store.case(case_name)
    newest = store.latest_trace(case.id)
    if newest is None:
        raise NotFound(f"case {case.name} was not traced yet: `tracer trace {case.name} --offline`")
    document = parse(newest.result, f"the trace of {case.name}")
    method = method or document["method"]
    if method not in METHODS:
        raise UnknownMethod(f"{method!r} is no method: take one of {', '.join(METHODS)}")
    wanted = parse_asset(address.chain, asset) if asset else None
    recorded = read(document)
    with collector_paused():
        work = recorded.work
        kept = ledger(recorded.flow, work.dropped.keys(), method, address, work.known.coinjoins.keys(), work.crossings)
    head = {"case": case.name, "digest": document["digest"]}
    return head | told(kept, _assets(kept, wanted, case.name)), document


def _assets(kept: Ledger, wanted: AssetId | None, case: str) -> list[AssetId]:
    if wanted is None:
        found = tainted(kept)
        if not found:
            raise NotFound(
                f"no money of case {case} came to {kept.address} under {kept.method}: name an --asset to see"
            )
        return found
    if not any(line.asset == wanted for line in kept.lines):
        raise NotFound(f"nothing of {wanted} went through {kept.address} in case {case}, as far as it was read")
    return [wanted]
