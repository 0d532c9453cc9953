"""The judge: what was promised, what happened, does it match? Pure; no I/O but files."""

__version__ = "0.1.0"  # of the whole distribution; every ledger says which judge it was written for
