"""Buckets of objects at the other site: what they lack, what they hold, and whether it comes back."""
