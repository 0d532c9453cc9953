"""The clock: Prefect flows, and the command line beside them."""
