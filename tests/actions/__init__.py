"""Tests of the product's verbs, on real stores."""
