"""pgBackRest: base backups of PostgreSQL, its WAL, and recovery to a point in time."""
