"""What providers publish of themselves is kept as data, and every line of it is fit for use."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from tracer.app import opened
from tracer.chains import CHAINS, parse_chain
from tracer.errors import ConfigError
from tracer.model import Kind
from tracer.settings import Settings, SourceSettings
from tracer.sources import SOURCES, providers
from tracer.sources.providers import provider
from tracer.sources.secrets import host

# a node is nobody's service: its file only says how deep is final
KINDS = sorted(path.stem for path in Path(str(providers.DATA)).glob("*.yaml") if path.stem != "evm")


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
        assert support.confirmations > 0 or kind not in SOURCES  # prices have no blocks
        assert host(one.at(chain)).startswith("https://")


def test_every_live_source_that_is_no_node_has_one() -> None:
    """A kind of source without its provider's limits cannot keep to them."""
    assert {kind for kind in SOURCES if kind != "evm"} <= set(KINDS)


def test_a_chain_that_is_not_served_names_those_that_are() -> None:
    """The remedy is in the message."""
    with pytest.raises(ConfigError, match="etherscan does not serve tron:728126428; it serves eip155:1,"):
        provider("etherscan").support("tron:728126428")


@pytest.mark.parametrize("kind", ["etherscan", "blockscout", "blockscout_rest"])
def test_settings_make_a_source_that_keeps_to_its_limits(kind: str, tmp_path: Path) -> None:
    """Kind, chain and key are enough: where it is, how deep is final and how often to ask are known."""
    one = SourceSettings(name="mine", kind=kind, chain="ethereum", key=SecretStr("k3y-that-nobody-sees"))
    with opened(Settings(database_url=f"sqlite:///{tmp_path / 'store.db'}", sources=(one,))) as app:
        (source,) = app.sources

    assert ("mine", "eip155:1") == (source.name, source.chain)
    assert "k3y-that-nobody-sees" not in repr(source)


def test_a_provider_that_wants_a_key_is_not_asked_without_one(tmp_path: Path) -> None:
    """The remedy is in the message; a server of your own may want none."""
    for url in (None, SecretStr("http://127.0.0.1:9")):
        one = SourceSettings(name="mine", kind="etherscan", chain="ethereum", url=url)
        settings = Settings(database_url=f"sqlite:///{tmp_path / 'store.db'}", sources=(one,))
        if url is None:
            with (
                pytest.raises(ConfigError, match="mine: etherscan needs a key: write key or key_env"),
                opened(settings),
            ):
                pass
        else:
            with opened(settings) as app:
                assert 1 == len(app.sources)
