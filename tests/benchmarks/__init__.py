"""Measured ratios against a baseline in the same run. Run by `make bench`; nothing here passes or fails."""
