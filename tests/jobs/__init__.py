"""Tests of the standing jobs, on a real node and a real database."""
