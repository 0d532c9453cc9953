"""Real PostgreSQL pairs for the contract of datasets."""

from tests.sites.drivers.conftest import new_pair, template

__all__ = ["new_pair", "template"]
