"""The judge: what was promised, what happened, does it match? Pure; no I/O but files."""
