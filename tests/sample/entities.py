"""The invented services of the sample case, as the text of `entities.yaml`."""

from __future__ import annotations

from typing import Any

import yaml

HEAD = "# INVENTED. None of these services, pages or measures exists. Same format as the registry's service facts.\n"
NOTE = "Invented for Tracer's sample case."


def fact(entity: str, n: int, kind: str, quote: str, **more: Any) -> dict[str, Any]:
    """One invented fact with every member the format has; `more` overrides."""
    return {
        "id": f"{entity}-{n:02}",
        "kind": kind,
        "authority": None,
        "instrument": None,
        "valid_from": None,
        "valid_to": None,
        "source_url": f"https://invented.example/{entity}/{n}",
        "source_kind": "own_site",
        "source_date": None,
        "quote": quote,
        "read_on": "2026-07-01",
        "confidence": "high",
        "note": NOTE,
        "date_basis": "this_source",
        **more,
    }


def service(entity: str, name: str, kind: str, country: str | None, *facts: dict[str, Any]) -> dict[str, Any]:
    """One invented service; its id is an alias too, so that labels may use either."""
    basis = {
        "country": country,
        "basis": "invented",
        "source_url": f"https://invented.example/{entity}",
        "source_kind": "own_site",
    }
    return {
        "id": entity,
        "name": f"{name} (invented)",
        "kind": kind,
        "aliases": [entity, name],
        "jurisdictions": [basis] if country else [],
        "successor_of": None,
        "note": NOTE,
        "facts": list(facts),
    }


LIMIT = {"amount": 50000, "asset": "USDT", "period": "day"}
SERVICES = [
    service(
        "invented_halcyon",
        "Halcyon Exchange",
        "exchange",
        "IE",
        fact(
            "invented_halcyon",
            1,
            "kyc_policy",
            "No documents are asked for",
            level="none",
            valid_from="2021-01-01",
            valid_to="2023-12-31",
        ),
        fact(
            "invented_halcyon",
            2,
            "kyc_policy",
            "Every customer is identified before the first deposit",
            level="mandatory",
            valid_from="2024-01-01",
        ),
        fact(
            "invented_halcyon",
            3,
            "kyc_mandatory_since",
            "From 1 January 2024 all accounts must be verified",
            level="mandatory for all",
            valid_from="2024-01-01",
        ),
    ),
    service(
        "invented_brinkmarket",
        "Brinkmarket",
        "exchange",
        "SC",
        fact(
            "invented_brinkmarket",
            1,
            "nokyc_limit",
            "Unverified accounts may withdraw up to 50,000 USDT a day",
            level="unverified",
            limit=LIMIT,
            valid_from="2025-09-01",
        ),
    ),
    service(
        "invented_quaystone",
        "Quaystone",
        "exchange",
        "VC",
        fact(
            "invented_quaystone",
            1,
            "kyc_policy",
            "We never ask who you are: an e-mail address is enough",
            level="none",
            valid_from="2025-06-15",
        ),
    ),
    service("invented_larkfield", "Larkfield", "exchange", "SG"),  # no fact on its customer checks: unknown, not low
    service(
        "invented_oxbow",
        "Oxbow Remit",
        "payment",
        "KH",
        fact(
            "invented_oxbow",
            1,
            "sanction",
            "Oxbow Remit is added to the list",
            authority="Invented Sanctions Office",
            instrument="Invented Order 7 of 2026",
            source_kind="official",
            valid_from="2026-01-15",
            cites_aml_kyc_failure="no",
        ),
    ),
    service("invented_murmur", "Murmur Pool", "mixer", None),
    service("invented_footbridge", "Footbridge", "bridge", None),
    service("invented_tidepool", "Tidepool Swap", "dex", None),
]


class _Plain(yaml.SafeDumper):
    """Writes shared values out each time instead of as YAML anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def text() -> str:
    """The whole file."""
    body: str = yaml.dump(SERVICES, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=140)
    return HEAD + body
