"""What providers publish of themselves is kept as data, and every line of it is fit for use."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tracer.chains import CHAINS, parse_chain
from tracer.errors import ConfigError
from tracer.model import Kind
from tracer.sources import SOURCES, providers
from tracer.sources.providers import provider
from tracer.sources.secrets import host

KINDS = sorted(path.stem for path in Path(str(providers.DATA)).glob("*.yaml"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_provider_is_dated_and_within_its_limits(kind: str) -> None:
    """It names itself, the day and the places it was read in, chains that exist, and calls below its limits."""
    one = provider(kind)

    assert kind == one.kind
    assert date(2026, 1, 1) < one.as_of <= date(2026, 12, 31)
    assert one.read_in
    assert all(place.startswith("https://") for place in one.read_in)
    assert one.pace is None or one.pace < (one.calls_per_second or 0)
    assert one.page_rows > 0
    assert one.window_rows is None or one.window_rows >= one.page_rows
    assert set(one.reads) <= {each.value for each in Kind}
    for chain, support in one.chains.items():
        assert chain == parse_chain(chain)
        assert chain in CHAINS
        assert support.plan in ("free", "paid")
        assert support.confirmations > 0
        assert host(one.at(chain)).startswith("https://")


def test_every_live_source_that_is_no_node_has_one() -> None:
    """A kind of source without its provider's limits cannot keep to them."""
    assert {kind for kind in SOURCES if kind != "evm"} <= set(KINDS)


def test_a_chain_that_is_not_served_names_those_that_are() -> None:
    """The remedy is in the message."""
    with pytest.raises(ConfigError, match="etherscan does not serve tron:728126428; it serves eip155:1,"):
        provider("etherscan").support("tron:728126428")
