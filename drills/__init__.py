"""The hammer: faults, probes, canaries, guards, and the drill itself."""
