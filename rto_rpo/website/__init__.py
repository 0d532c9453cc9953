"""A web site over all the evidence: plain files, no server, no script, nothing fetched from anywhere."""
