"""How taint moves: pure functions of a set of transfers, labels, origins and limits. No clock, network, SQL or chance."""
