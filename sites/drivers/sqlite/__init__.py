"""SQLite databases: copied while they are in use, checked, put back."""
