"""Real PostgreSQL pairs for runbooks that change who serves."""

from tests.sites.drivers.conftest import new_pair, template

__all__ = ["new_pair", "template"]
