"""The Prefect server: where it is, who may reach it, one of our own, and asking it for runs."""
