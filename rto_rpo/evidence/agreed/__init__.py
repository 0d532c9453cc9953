"""What was agreed before a run, by whom, and what is told about it: charter, people, schedules."""
