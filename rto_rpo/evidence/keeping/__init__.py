"""Evidence written down: runs opened and closed, records added, old runs pruned."""
