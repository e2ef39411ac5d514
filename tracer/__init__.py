"""Tracer follows the money of pig-butchering victims and flags where it can be stopped."""

__version__ = "0.1.0"
