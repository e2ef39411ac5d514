"""Labels and entities: the dated, sourced facts that ship, and the files that add to them."""

from tracer.registry.files import read_addresses, read_entities, shipped
from tracer.registry.registry import Registry

__all__ = ["Registry", "read_addresses", "read_entities", "shipped"]
