"""What facts and findings mean: pure functions. Nothing here moves money; `tracer.taint` does."""
