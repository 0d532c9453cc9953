"""Buckets of S3 stores: listed in order, copied one to the other, marked, and proven."""
