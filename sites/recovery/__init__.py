"""The runbook, its engine, and what it needs: detection, fencing, redirecting."""
