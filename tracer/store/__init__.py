"""The only place that knows SQL: SQLite in WAL mode by default, Postgres by URL."""
