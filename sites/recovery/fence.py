"""No fence, no promote: the old primary is kept from taking writes before the new one may.

`ACCEPTED` is the whole table of what counts as proof; silence is none. The fence is written down before
anything is done about it (`sites.fences`), so that nothing starts what a failover has fenced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from sites import standby_signal
from sites.capability import Fencing, Killable, Proof
from sites.errors import BlackstartError, FenceError
from sites.fences import Fences as Fences


@dataclass(frozen=True, slots=True)
class Accepted:
    """One kind of proof: `covers` says what of a site it proves, `needs` what the plan declares for it."""

    name: str
    proof: str
    covers: str
    needs: str


ACCEPTED = (
    Accepted(
        "gone",
        "every process of the site is proven gone",
        "what the site runs itself",
        "`processes` of the site",
    ),
    Accepted(
        "own fence",
        "the site's own command says that it takes no writes any more",
        "what the site runs itself",
        "`fence` of a site of kind shell",
    ),
    Accepted(
        "refused",
        "the server itself answers that it takes no writes",
        "the one database that said so",
        "nothing; but silence and a closed port prove nothing",
    ),
    Accepted(
        "lease",
        "the lease of the site was taken at its witness, and its term has passed",
        "what clients reach through its door",
        "`failover.lease`, and `blackstart hold-lease` beside the database",
    ),
    Accepted(
        "power off",
        "the provider's command turned the site off, and confirms that it is off",
        "the whole site",
        "`failover.power_off`",
    ),
    Accepted(
        "operator",
        "a person typed that the site is off, and is named",
        "the whole site",
        "`failover.fence: operator`",
    ),
)


class Refusing(Protocol):
    """A dataset that can be seen to refuse writes at a site."""

    def refuses_write(self, site: str) -> Proof: ...


class Signal(Protocol):
    """What keeps one server from taking writes when it is started."""

    def write(self) -> bool: ...

    def remove(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A proof that covers a whole site. `raise_` may take its time; `holds` only looks."""

    name: str
    raise_: Callable[[], Proof]
    holds: Callable[[], Proof]
    lift: Callable[[], None] = lambda: None


class Fence:
    """The fence around one site.

    `site` is None for one that runs nothing of its own. `databases` are the datasets whose server there is
    none of its processes. Where those two prove nothing, the `wholes` are tried in their order. `stopping` is
    called before anything that still runs there is stopped. `signals` keep servers that are within reach from
    taking writes, whoever starts them later.
    """

    def __init__(
        self,
        fences: Fences,
        name: str,
        site: Killable | None,
        databases: Mapping[str, Refusing],
        wholes: Sequence[Whole] = (),
        stopping: Callable[[], None] = lambda: None,
        signals: Callable[[], Iterable[Signal]] = tuple,
    ) -> None:
        self._signals = signals
        self._fences = fences
        self._name = name
        self._site = site
        self._databases = databases
        self._wholes = tuple(wholes)
        self._stopping = stopping

    def raise_(self, run: str = "") -> Proof:
        """Fence the site and prove it: what is alive there is killed first. `run` names the act that does.

        Raises FenceError when no accepted proof can be had; nothing may be promoted then.
        """
        self._fences.raise_(self._name, "failover", run)
        proof, kept = self._kept(self._each_part(kill=True))
        missing = [proof.how]
        for whole in self._believable(proof, "operator"):
            if proof.holds:
                break
            proof = _by(whole.name, _asked(whole.raise_))
            missing.append(f"{whole.name}: {proof.how}")
        if not proof.holds:
            raise FenceError(
                f'cannot fence site "{self._name}": {"; ".join(missing)}',
                hint="power it off by other means, and prove that before anything is promoted",
            )
        proof = replace(proof, detail={**proof.detail, "kept_when_started": kept})
        self._fences.note(self._name, proof)
        return proof

    def raised_whole(self) -> bool:
        """Whether it was raised to its end before, and holds: who was cut off within it does it again."""
        return self.holds().holds and bool(self._fences.noted(self._name))

    def _kept(self, proof: Proof) -> tuple[Proof, str]:
        """Servers that are gone are kept from taking writes when somebody starts them; and how that went.

        Looked at once more afterwards: one that was started in between came up without.
        """
        if self._site is None or not proof.holds:
            return proof, "no: what runs there is not within reach"
        signals = list(self._signals())
        if not signals:
            return proof, "no: no data folder is within reach"
        self._fences.keep(self._name)
        try:
            for signal in signals:
                signal.write()
        except BlackstartError as error:
            return proof, f"no: {error}"
        return self._each_part(kill=True), f"yes: {len(signals)} by {standby_signal.NAME}"

    def holds(self) -> Proof:
        """Whether the fence stands and is proven now. Changes nothing."""
        if not self._fences.raised(self._name):
            return Proof(False, f'site "{self._name}" is not fenced')
        proof = self._each_part(kill=False)
        missing = [proof.how]
        for whole in self._believable(proof, "operator", "power off"):
            if proof.holds:
                break
            proof = _asked(whole.holds)
            missing.append(f"{whole.name}: {proof.how}")
        return proof if proof.holds else Proof(False, "; ".join(missing))

    def _believable(self, parts: Proof, *unless_alive: str) -> tuple[Whole, ...]:
        """Nobody's word that it is off stands against a server that is seen to take writes."""
        alive = parts.detail.get("takes_writes")
        return tuple(each for each in self._wholes if not (alive and each.name in unless_alive))

    def lift(self, run: str = "") -> bool:
        """Lift the fence that this very act has raised; False where another's stands, which is let be."""
        if self._fences.raised(self._name) and not self._fences.raised_by(self._name, run):
            return False
        for whole in self._wholes:
            whole.lift()
        if self._fences.kept(self._name):  # else nothing was written, and nobody need be asked
            for signal in self._signals():
                signal.remove()
        self._fences.lift(self._name)
        return True

    def _each_part(self, *, kill: bool) -> Proof:
        proofs = [] if self._site is None else [self._site_proof(self._site, kill=kill)]
        asked = (_asked(partial(each.refuses_write, self._name)) for each in self._databases.values())
        proofs += [_by("refused", proof) for proof in asked]
        if not proofs:
            return Proof(False, "nothing of it can be asked")
        missing = [proof.how for proof in proofs if not proof.holds]
        if missing:
            alive = any(proof.detail.get("takes_writes") for proof in proofs)
            return Proof(False, "; ".join(missing), {"takes_writes": True} if alive else {})
        kinds = ", ".join(dict.fromkeys(str(proof.detail["proof"]) for proof in proofs))
        detail = (dict(proofs[0].detail) if self._site is not None else {}) | {"proof": kinds}
        return Proof(True, "; ".join(proof.how for proof in proofs), detail)

    def _site_proof(self, site: Killable, *, kill: bool) -> Proof:
        """A fence of the site's own is asked again when it is only looked at: that is harmless, and tells."""
        gone = _by("gone", _asked(site.proven_gone))
        if gone.holds:
            return gone
        if kill:
            self._stopping()
        if isinstance(site, Fencing):
            return _by("own fence", _asked(site.fence))
        return _by("gone", _asked(site.kill)) if kill else gone


def _by(kind: str, proof: Proof) -> Proof:
    """The proof, with the name that it has in the table: who reads the evidence weighs it by that."""
    return replace(proof, detail={**proof.detail, "proof": kind})


def _asked(ask: Callable[[], Proof]) -> Proof:
    """What could not be found out is no proof."""
    try:
        return ask()
    except BlackstartError as error:
        return Proof(False, str(error))
