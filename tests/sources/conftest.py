"""Fixtures for tests of live sources."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.anvil import Anvil, Proxy, proxied
from tests.sources.evm_story import TRACED, WAYS, evm
from tracer.sources.evm import Evm


@pytest.fixture
def proxy(anvil: Anvil) -> Iterator[Proxy]:
    """A proxy before the chain."""
    with proxied(anvil) as running:
        yield running


@pytest.fixture(params=TRACED)
def traced(request: pytest.FixtureRequest, proxy: Proxy) -> Evm:
    """A source on a node that traces, in each way."""
    proxy.refuse = WAYS[request.param]
    return evm(proxy)
