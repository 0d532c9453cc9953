"""PostgreSQL: a replicated dataset, its servers, and what a canary writes through."""
