"""Blockscout's Etherscan-compatible API, and what its two APIs share: keys, and questions as one asks a node.

Under one URL a chain has /api (lists as Etherscan gives them), /api/v2 (REST) and /json-rpc.
"""

from __future__ import annotations

from typing import Any

from tracer.sources.base import SourceSettings
from tracer.sources.budget import Budget
from tracer.sources.etherscan import Etherscan, parse
from tracer.sources.etherscan_rows import proxy_reply
from tracer.sources.web import Asked, Web


def headers(settings: SourceSettings) -> dict[str, str]:
    """How a key is sent: in no URL."""
    return {"authorization": f"Bearer {settings.key}"} if settings.key else {}


def node(web: Web, method: str, params: tuple[Any, ...]) -> Asked:
    """Ask as one would ask a node; see Explorer."""
    return web.post("/json-rpc", {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}, proxy_reply)


class Blockscout(Etherscan):
    """A Source (see there): Blockscout's Etherscan-compatible API."""

    path = "/api"

    def __init__(self, settings: SourceSettings, budget: Budget) -> None:
        super().__init__(settings, budget, headers(settings))

    def own(self) -> dict[str, str | int]:
        """See Etherscan: the URL names the chain, a header has the key."""
        return {}

    def node(self, method: str, *params: Any) -> Asked:
        """See Explorer."""
        return node(self.web, method, params)


__all__ = ["Blockscout", "headers", "node", "parse"]
