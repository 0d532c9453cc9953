"""A site made of processes on this machine, lost whole and brought back."""
