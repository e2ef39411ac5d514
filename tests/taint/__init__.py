"""Tests of the pure core, and the language its stories are told in."""
