"""The recorder: one process outside the blast radius, and the sole writer of the ledger.

It writes through the clients' own address in an open loop, survives the orchestrator, and closes
the ledger whatever happens. `drills.recording` is the orchestrator's side of it.
"""
