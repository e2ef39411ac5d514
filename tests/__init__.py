"""The tests mirror the tree of tracer/; makers.py makes their values."""
