"""The database: engines whose transactions are snapshots, migrations, locks and the watch for new revisions."""

from server.database.engine import EMPTY, create_engine, explain, location, newest, prepare, reading, writing

__all__ = ["EMPTY", "create_engine", "explain", "location", "newest", "prepare", "reading", "writing"]
