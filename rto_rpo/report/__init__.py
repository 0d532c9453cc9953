"""What people read: the report of a run as JSON, HTML, Markdown and a few lines of text.

All of it is a pure function of the run's plan and ledger: no clock, no environment, no network.
"""
