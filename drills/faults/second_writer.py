"""The rule of every undo that could bring a database back: it never makes a second writer.

Whether another site was promoted is asked before anything is lifted. Was it, or did a failover raise the
fence, then the site's processes are kept down and the fence stands. Can it not be asked, then nothing is
lifted, and it is asked again; whoever asks for the last time takes silence for a yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from drills.copies import copies
from drills.fault import Healing, Left
from sites.capability import Killable, Proof
from sites.estate import Estate
from sites.recovery.fence import Fences
from sites.strikable import ReconnectingFenced

WRITERS = "writers"


class Unasked(Exception):
    """A copy at another site does not say whether it was promoted."""


class SecondWriter:
    """The rule for one site of an estate."""

    def __init__(self, estate: Estate, name: str, site: Killable) -> None:
        self._estate = estate
        self._name = name
        self._site = site
        self._fences = Fences(estate.state)

    def writers(self) -> dict[str, object]:
        """What `arm` keeps: the datasets whose copy here takes writes, as far as is not known otherwise."""
        found = [
            dataset
            for dataset, copy in copies(self._estate).items()
            if self._name in copy.sites and copy.driver.writable(self._name) is not False
        ]
        return {WRITERS: found}

    def lift(self, left: Left, lift: Callable[[], Healing]) -> Healing:
        """Lift the fault; or keep the site down and fenced; or leave it as it is, and say why."""
        if self._fences.raised(self._name):
            return self._fenced("a failover fenced it")
        try:
            taken = next(self._taken(left), None)
        except Unasked as unasked:
            if not left.last:
                return Healing("stuck", str(unasked))
            taken = str(unasked)
        if taken is None:
            return lift()
        self._fences.raise_(self._name, taken)
        return self._fenced(taken)

    def _taken(self, left: Left) -> Iterator[str]:
        """How we know that another site took over from this one. Raises Unasked."""
        known = left.data.get(WRITERS)
        for dataset, copy in copies(self._estate).items():
            # where it is not on record which copies took writes here, all of them may have
            if isinstance(known, list) and dataset not in known:
                continue
            for site in sorted(copy.sites - {self._name}):
                writable = copy.driver.writable(site)
                if writable is None:
                    raise Unasked(
                        f'dataset "{dataset}" at site "{site}" cannot be asked whether it took over'
                    )
                if writable:
                    yield f'dataset "{dataset}" takes writes at site "{site}"'

    def _fenced(self, why: str) -> Healing:
        proof = self._site.proven_gone()
        if not proof.holds:
            proof = self._put_down()
        if not proof.holds:
            return Healing("stuck", f'site "{self._name}" must stay down ({why}), but {proof.how}')
        return Healing("reverted, fenced", f'site "{self._name}" stays down and fenced: {why}')

    def _put_down(self) -> Proof:
        """A site that is cut off from us too kills what runs there by itself; believed once it is seen."""
        if not isinstance(self._site, ReconnectingFenced):
            return self._site.kill()
        proof = self._site.reconnect_fenced()
        return self._site.proven_gone() if proof.holds else proof
