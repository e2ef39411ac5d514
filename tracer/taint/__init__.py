"""How taint moves: pure functions of a set of transfers, labels, origins and limits."""
