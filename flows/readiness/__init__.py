"""Is everything ready? What `check` and `init` find out by looking."""
