"""What all the evidence says together: runs side by side, what changed, what was found, what nobody tested.

A pure function of the evidence folder, of the profiles given and of the moment as of which it is told.
"""
