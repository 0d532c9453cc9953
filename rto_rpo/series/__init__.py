"""Many runs of one drill, held against one promise: what they show together, and what they do not.

What may be *claimed* of all runs there are (`blackstart report --history`, `drill --repeat`). The trend that
a report shows beside its own run is `dossier.history`; both read a run by the one rule in `dossier.observed`.
"""
