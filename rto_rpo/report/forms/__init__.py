"""A report, and a runbook, in each form that they are told in. Nothing is computed here that could weigh."""
