"""Tests of the sources. lines.py makes the rows of files."""
