"""The judge: what was promised, what happened, does it match? Pure; no I/O but files."""

__version__ = "0.1.0"  # of the whole distribution
RULES = 15  # counted up whenever some ledger is judged or measured otherwise than before; a test sees to it
JUDGE = f"{__version__}+rules.{RULES}"  # every ledger says which judge it was written for
