"""CSV: one line a hop, with what it carried under every method. Outside text cannot become a formula."""

from __future__ import annotations

import csv as comma
import io
import re
from collections.abc import Mapping
from typing import Any

from tracer.exports.plain import from_chain

_FORMULA = tuple("=+-@＝＋－＠")  # noqa: RUF001 - a spreadsheet takes the wide ones for the others
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
HEAD = ("chain", "tx_hash", "time", "by", "sender", "sender_entity", "recipient", "recipient_entity", "recipient_role")
ASSETS = ("asset", "symbol", "decimals", "received_asset", "received_symbol", "received_decimals", "origin")


def safe(value: object) -> str:
    """A cell of one line that a spreadsheet reads as text."""
    text = _CONTROL.sub("\ufffd", "" if value is None else str(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def csv(document: Mapping[str, Any]) -> bytes:
    """All hops, oldest first: amounts in base units of the asset paid, `NAME_received` of the asset received."""
    methods = document["methods"]
    assets = {(one["chain"], one["asset"]): one for one in document["assets"]}
    places = {(one["chain"], one["address"]): one for one in document["addresses"]}
    out = io.StringIO(newline="")
    writer = comma.writer(out, lineterminator="\n")
    amounts = [f"{method}{part}" for method in methods for part in ("", "_received", "_origin_amount")]
    writer.writerow([*HEAD, *ASSETS, *amounts])
    for hop in document["hops"]:
        writer.writerow([safe(cell) for cell in (*_head(hop, places), *_assets(hop, assets), *_amounts(hop, methods))])
    return out.getvalue().encode()


def _head(hop: Mapping[str, Any], places: Mapping[tuple[str, str], Any]) -> tuple[object, ...]:
    sender, recipient = (
        places.get((from_chain(hop), hop["sender"]), {}),
        places.get((hop["chain"], hop["recipient"]), {}),
    )
    first = (hop["chain"], hop["tx_hash"], hop["at"], hop["by"])
    names = (_entity(sender, hop["at"]), _entity(recipient, hop["at"]))
    return (*first, hop["sender"], names[0], hop["recipient"], names[1], recipient.get("role"))


def _entity(place: Mapping[str, Any], at: str) -> str | None:
    """Whose address it was at that moment, by the claim that counted then."""
    valid = (
        label["entity"]
        for label in place.get("labels", ())
        if (label["valid_from"] or "") <= at and (label["valid_to"] is None or at < label["valid_to"])
    )
    return next(valid, None)


def _assets(hop: Mapping[str, Any], assets: Mapping[tuple[str, str], Any]) -> tuple[object, ...]:
    paid = assets.get((from_chain(hop), hop["asset"]), {})
    received = assets.get((hop["chain"], hop["received_asset"]), {})
    names = (hop["asset"], paid.get("symbol"), paid.get("decimals"))
    return (*names, hop["received_asset"], received.get("symbol"), received.get("decimals"), hop["origin"])


def _amounts(hop: Mapping[str, Any], methods: list[str]) -> list[str]:
    none = {"amount": "0", "received": "0", "origin_amount": "0"}
    carried = [hop["amounts"].get(method, none) for method in methods]
    return [one[part] for one in carried for part in ("amount", "received", "origin_amount")]
