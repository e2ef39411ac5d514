"""The standing jobs: a process of its own that pulls, traces, flags and notifies by itself."""
