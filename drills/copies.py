"""Every copy of a dataset that may take over, whatever the dataset is: a database of ours, or of commands."""

from __future__ import annotations

from dataclasses import dataclass

from sites.capability import Promotable
from sites.estate import Estate


@dataclass(frozen=True, slots=True)
class Copies:
    """`sites` are those with a copy; `driver` asks each of them."""

    driver: Promotable
    sites: frozenset[str]


def copies(estate: Estate) -> dict[str, Copies]:
    """By the name of the dataset; those that have a standby."""
    found = {
        name: Copies(driver, frozenset(estate.sites_of(name))) for name, driver in estate.replicated().items()
    }
    for site in estate.plan.sites:
        for name, driver in estate.promotable(site).items():
            found[name] = Copies(driver, frozenset(driver.sites))
    return found
