"""What people read: the report of a run (`document`), its pictures (`plots`), the forms that it comes in.

All of it is a pure function of the run's plan and ledger: no clock, no environment, no network.
"""
