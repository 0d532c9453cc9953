"""What only the fake can do: go wrong on purpose."""

from __future__ import annotations

from tests.fakes.site import FakeSite


def test_an_immortal_process_is_no_proof_of_death() -> None:
    site = FakeSite("north", ("alpha", "beta"), immortal=("beta",))
    site.up()

    proof = site.kill()

    assert not proof.holds
    assert list(site.running()) == ["beta"]
    assert site.calls == ["up", "kill"]
