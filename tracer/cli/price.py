"""`tracer price`: what the arrivals of a case were worth."""

from __future__ import annotations

from tracer.actions.export import case_document
from tracer.actions.price import price as price_case
from tracer.app import prices
from tracer.chains import CHAINS
from tracer.cli.terminal import AsJson, CaseName, answer, show, the_app, urgency
from tracer.exports.person import assets_of
from tracer.exports.usd import arrival_lines, usd_line


def price(name: CaseName, as_json: AsJson = False) -> None:
    """Ask what a case's arrivals were worth in USD, by contract and hour; what is known is not asked for again."""
    with the_app() as made:
        found = price_case(made.store, prices(made.settings), name, made.actor)
        assets = assets_of(case_document(made.store, name))
    found["flags"].sort(key=urgency)
    if as_json:
        answer("price", found)
        return
    for item in found["flags"]:
        alias = CHAINS[item["chain"]].alias if item["chain"] in CHAINS else item["chain"]
        show([f"{item['severity'].upper():7} {item['rule']}   {item['entity'] or 'unnamed'}   flag {item['id']}"])
        show([f"  at      {alias}:{item['address']}", f"  worth   {usd_line(item)}"])
        show([*arrival_lines(item, assets), ""])
    show([f"{found['asked']} prices asked for; amounts and digest are as they were"])
