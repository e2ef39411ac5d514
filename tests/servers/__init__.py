"""Local servers that speak like the explorers, each serving the same world in its own documented shapes."""
