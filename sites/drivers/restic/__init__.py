"""restic: repositories of backups, by what each version can do."""
