"""Real PostgreSQL pairs for what is undone without us."""

from tests.sites.drivers.conftest import new_pair, template

__all__ = ["new_pair", "template"]
