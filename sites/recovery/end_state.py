"""The last look of a planned change: the new site serves, the old one stands by for it."""

from __future__ import annotations

from collections.abc import Sequence

from sites.errors import RunbookError
from sites.estate import Estate
from sites.recovery import by_hand_rejoin
from sites.recovery.failover import ATTEST_SECONDS
from sites.recovery.runbook import Detail, Step

END_STATE = "attest end state"


def end_state_step(
    estate: Estate, datasets: Sequence[str], old: str, new: str, all_others: tuple[str, ...]
) -> Step:
    def do(_limit_seconds: float) -> Detail:
        if wrong := [*_roles_not_as_meant(estate, datasets, old), *_services_not_as_meant(estate, old, new)]:
            raise RunbookError(f"the end state is not as it should be: {'; '.join(wrong)}")
        return {"serving": new, "standby": old}

    return Step(
        name=END_STATE,
        says=f'see that site "{new}" serves and that site "{old}" stands by for it',
        do=do,
        done=lambda: False,  # an attestation holds for the moment at which it was made
        limit_seconds=ATTEST_SECONDS,
        by_hand=by_hand_rejoin.end_state(estate, datasets, old, new),
        needs=all_others,
        undo=lambda _limit_seconds: {},  # it only looked
    )


def _roles_not_as_meant(estate: Estate, datasets: Sequence[str], old: str) -> list[str]:
    proofs = {name: estate.postgres(name).in_sync(standby=old) for name in datasets}
    return [f'dataset "{name}": {proof.how}' for name, proof in proofs.items() if not proof.holds]


def _services_not_as_meant(estate: Estate, old: str, new: str) -> list[str]:
    processes = {service.process for service in estate.plan.services.values() if service.process}
    there, here = estate.site(old).running(), estate.site(new).running()
    wrong = [f'process "{name}" still runs at site "{old}"' for name in processes if name in there]
    return wrong + [
        f'process "{name}" does not run at site "{new}"' for name in processes if name not in here
    ]
