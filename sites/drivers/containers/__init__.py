"""A site made of containers, lost whole and brought back through the Docker daemon."""
