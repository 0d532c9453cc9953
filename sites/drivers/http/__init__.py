"""HTTP services: what a canary writes through, and one look from outside."""
