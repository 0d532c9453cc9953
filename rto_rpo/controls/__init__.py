"""Which evidence answers which clause of which standard: one data file a profile, and the answers in code.

A control is met, not met, not tested, inconclusive or n.a.; from evidence only. None of it is legal advice.
"""
