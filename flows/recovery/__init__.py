"""Failover, switchover and failback in earnest, and the watch that declares."""
