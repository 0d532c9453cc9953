"""One small module per fault, and the table of their kinds."""

from __future__ import annotations

from drills.fault import Fault
from drills.faults.corrupt_repository import CorruptRepository
from drills.faults.dr_not_ready import DrNotReady
from drills.faults.encrypted_files import EncryptedFiles
from drills.faults.fill_disk import FillDisk
from drills.faults.freeze_replica import FreezeReplica
from drills.faults.kill_orchestrator import KillOrchestrator
from drills.faults.kill_site import KillSite
from drills.faults.kinds import Kind
from drills.faults.lock_repository import LockRepository
from drills.faults.lose_newest_snapshot import LoseNewestSnapshot
from drills.faults.lose_volume import LoseVolume
from drills.faults.no_fault import NoFault
from drills.faults.one_process import KillService, StopService
from drills.faults.partition import Partition
from drills.faults.pause_site import PauseSite
from drills.faults.replicated_damage import ReplicatedTableDamage
from drills.faults.second_fault import SecondFault
from drills.faults.shell_fault import ShellFault
from drills.faults.slow_network import SlowNetwork
from drills.faults.wrong_key import WrongKey
from sites.estate import Estate
from sites.plan import Drill, faults
from sites.plan.noun import Noun

_PUT_BACK = "what was kept aside is put back; it is the same by its hash, and the repository is checked"
_SERVED = dict.fromkeys(("none", "postgres", "files", "sqlite", "shell", "objects"), "met")
_KEPT = ("postgres", "files", "sqlite", "shell")  # what may lie in a repository
_UNDECLARED = "missed: it is no outage, and nobody declares one"
_LOCAL = "a repository in a folder of this machine"
_SHELL = frozenset({"shell"})


def _damage(estate: Estate, noun: faults.ReplicatedDamage) -> Fault:
    if noun.damage == "files_encrypted":
        return EncryptedFiles(estate, noun)
    return ReplicatedTableDamage(estate, noun)


KINDS = (
    Kind(
        faults.NoFault,
        lambda _estate, _noun: NoFault(),
        "nothing",
        "nothing",
        "nothing to undo",
        {"any": "missed: nobody declares an outage; with `respond: observe` inconclusive where none is seen"},
    ),
    Kind(
        faults.KillSite,
        lambda estate, noun: KillSite(estate, noun.site),
        "site",
        "a site that is up",
        "what ran there is started; not where another site was promoted: there it stays down and fenced",
        _SERVED,
    ),
    Kind(
        faults.KillService,
        lambda estate, noun: KillService(estate, noun.site, noun.process),
        "process",
        "a site that can lose one process",
        "it is started again; not where another site was promoted",
        _SERVED,
    ),
    Kind(
        faults.StopService,
        lambda estate, noun: StopService(estate, noun.site, noun.process),
        "process",
        "a process that runs",
        "it is started again; not where another site was promoted",
        _SERVED,
    ),
    Kind(
        faults.PauseSite,
        lambda estate, noun: PauseSite(estate, noun.site),
        "site",
        "a site that can be made to stand still",
        "it goes on; where another site was promoted it is killed first and stays fenced",
        _SERVED,
        refused=_SHELL,
    ),
    Kind(
        faults.Partition,
        lambda estate, noun: Partition(estate, noun.site, noun.direction),
        "site",
        "a site with a network namespace of its own",
        "nothing is dropped any more, and what ended is started; where another site was promoted its "
        "processes are killed first",
        _SERVED,
        refused=_SHELL,
    ),
    Kind(
        faults.SlowNetwork,
        SlowNetwork,
        "site",
        "a site with a network namespace of its own; latency: of processes; rate: tc and ip there",
        "all of it is taken away; where another site was promoted its processes are killed first",
        dict.fromkeys(
            _SERVED, "met where it is declared an outage and the objectives leave room, else missed"
        ),
        refused=_SHELL | {"hosts"},
    ),
    Kind(
        faults.FillDisk,
        FillDisk,
        "volume",
        "a bounded volume of the site's own: a tmpfs or a loop file in its folder, a volume of its container",
        "the filler is removed, and what ended is started; not where another site was promoted",
        dict.fromkeys(_SERVED, "met where who looks writes, or where the server ends of it; else missed"),
        refused=_SHELL,
    ),
    Kind(
        faults.LoseVolume,
        LoseVolume,
        "volume",
        "a folder of the site's own, or a volume of its container; a site that can lose one process",
        "what was there is put back, and started; where another site was promoted it is only put back",
        _SERVED,
        refused=_SHELL,
    ),
    Kind(
        faults.LoseNewestSnapshot,
        lambda estate, noun: LoseNewestSnapshot(estate, noun.repository, noun.dataset),
        "repository",
        _LOCAL,
        _PUT_BACK,
        dict.fromkeys(_KEPT, f"{_UNDECLARED}; amid a recovery too where no other snapshot is there"),
    ),
    Kind(
        faults.LockRepository,
        lambda estate, noun: LockRepository(estate, noun.repository),
        "repository",
        f"{_LOCAL}, and the right to a UTS namespace",
        "that one lock is removed, and no other",
        dict.fromkeys(_KEPT, f"{_UNDECLARED}; amid a recovery met: a restore takes no lock"),
    ),
    Kind(
        faults.WrongKey,
        lambda estate, noun: WrongKey(estate, noun.repository),
        "repository",
        _LOCAL,
        _PUT_BACK,
        dict.fromkeys(_KEPT, f"{_UNDECLARED}; amid a recovery too: nothing can be restored"),
    ),
    Kind(
        faults.CorruptRepository,
        lambda estate, noun: CorruptRepository(estate, noun.repository, noun.packs),
        "repository",
        _LOCAL,
        _PUT_BACK,
        dict.fromkeys(_KEPT, f"{_UNDECLARED}; amid a recovery too: what is not whole is not restored"),
    ),
    Kind(
        faults.FreezeReplica,
        lambda estate, noun: FreezeReplica(estate, noun.dataset),
        "dataset",
        "a streaming standby at a site that hands on signals",
        "the receiver goes on",
        {"postgres": "missed: nobody declares an outage; where commits wait for the standby none ends"},
        refused=_SHELL | {"hosts", "containers"},
    ),
    Kind(
        faults.ReplicatedDamage,
        _damage,
        "dataset",
        "a table that is not empty, or a folder of at most 256 MiB",
        "rows, table or files are put back from where they are kept; no real one would be so kind",
        {
            "postgres": "missed: the other copy has it too, and no runbook restores to before it",
            "files": "missed: so has the next backup, and no runbook restores to before it",
        },
    ),
    Kind(
        faults.DrNotReady,
        DrNotReady,
        "site",
        "a site that is up, and a standby elsewhere that can lose its process, or hands on signals",
        "the standby is brought back, then what ran at the site; not where another site was promoted",
        {"postgres": "missed: nothing is promoted that is gone or stale"},
    ),
    Kind(
        faults.KillOrchestrator,
        KillOrchestrator,
        "site",
        "a site that is up",
        "by the dead-man: what ran there is started; not where another site was promoted",
        dict.fromkeys(_SERVED, "inconclusive: nobody saw the drill to its end"),
    ),
    Kind(
        faults.SecondFault,
        lambda estate, noun: SecondFault(estate, noun, bound),
        "site",
        "a site that is up, and what the second fault needs; a drill that responds by runbook",
        "the second fault is undone, then the first",
        dict.fromkeys(_SERVED, "missed where the runbook cannot go on, else met"),
    ),
    Kind(
        faults.ShellFault,
        lambda estate, noun: ShellFault(estate, noun),
        "site",
        "three commands of the user's own",
        "the command `heal` is run until `effective` says that nothing is in force",
        {"any": "what the commands do decides"},
    ),
)
_BY_NAME = {kind.name: kind for kind in KINDS}


def fault_of(estate: Estate, drill: Drill) -> Fault:
    """The fault that a drill declares, bound to the estate it would hit."""
    return bound(estate, drill.fault)


def bound(estate: Estate, noun: Noun) -> Fault:
    """A fault of the plan, bound to the estate it would hit."""
    return _BY_NAME[str(noun.kind)].make(estate, noun)  # type: ignore[attr-defined]
