"""Backup, replication, restore tests, and the recovery point they add up to."""
