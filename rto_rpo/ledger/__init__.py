"""The ledger: one hash-chained history of a run, from which everything else follows."""
