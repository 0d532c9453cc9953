"""Back up, replicate, restore-test and keep sound, by the plan: what the flows and the commands both call."""
