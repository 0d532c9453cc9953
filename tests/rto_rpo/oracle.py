"""The semantics of a measurement once more, in the most naive way: lists, sets and loops over plain records.

Written from the design's words and not from the judge's code, of which it imports nothing. Lengths are ns.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

Fields = dict[str, Any]


def judge(header: Fields, records: list[Fields]) -> Fields:
    """Everything that the judge should find out: {void, times, points, split, verdicts, verdict}."""
    events = [each for each in records if each["kind"] == "event"]
    none = header["drill"]["fault"]["kind"] == "none"
    problems = _problems(header, records, events, none=none)
    f0, f1 = _when(events, "fault_begin"), _when(events, "fault_end")
    watch = next((ns for ns in (f0, _when(events, "frozen")) if ns is not None), header["ns"])
    times, stalled = {}, {}
    late = _late(header, events)
    if late is not None and (none or (f0 is not None and f1 is not None)):
        for stream in _streams(header, "clients"):
            name = stream["name"]
            times[name] = _time(_operations(records, name), watch, f0, f1, late, header["stable_ns"], none)
            stalled[name] = _stalled(header, records, stream, times[name], watch, late, none)
            if stalled[name] and times[name]["b"] is None:
                times[name]["upper"] = None
    judged_streams = {each["stream"] for each in header["judged"]}
    void = bool(problems) or any(stalled.get(name) for name in judged_streams)
    trusted = {} if problems else times
    points = {}
    for stream in _streams(header, "clients") + _streams(header, "marks"):
        name = stream["name"]
        writes = any(act == "write" for act, _, _ in _intended(records, name))
        if not writes and ("rpo", name) not in {
            (each["objective"], each["stream"]) for each in header["judged"]
        }:
            continue
        points[name] = _point(records, name, trusted.get(name), watch, f0, f1, stream)
        points[name]["restored"] = stream["role"] != "marks" or _was_restored(records, events, stream)
        if points[name]["complete"]:
            points[name]["turn"] = _turn(stream, late)
    split = {
        stream["name"]: _split(header, records, stream, trusted, stalled, watch, late)
        for stream in _streams(header, "old_primary")
    }
    verdicts = [_verdict(each, void, times, points) for each in header["judged"]]
    others = [each["detail"]["verdict"] for each in events if each["event"] == "check"]
    others += [each["verdict"] for each in split.values()]
    nothing = none and not any(each["bad"] for name, each in times.items() if name in judged_streams)
    unwell = not none and any(
        _unwell(records, stream, f0, late)
        for stream in _streams(header, "clients")
        if stream["name"] in judged_streams
    )
    unknown = any(_never_told(records, name) for name in judged_streams)
    beyond = any(_beyond(header, events, trusted[name]) for name in judged_streams if name in trusted)
    if void or not verdicts or nothing or unwell or unknown or beyond or _doubtful(header, records, events):
        others.append("inconclusive")
    for each in header["judged"]:
        point = points.get(each["stream"], {})
        if each["objective"] == "rpo" and point.get("read") and not point["restored"]:
            others.append("inconclusive")
    for point in points.values():
        del point["restored"], point["read"]
    whole = verdicts + others
    verdict = "missed" if "missed" in whole else "inconclusive" if "inconclusive" in whole else "met"
    return {
        "void": void,
        "times": times,
        "points": points,
        "split": split,
        "verdicts": verdicts,
        "verdict": verdict,
    }


def _never_told(records: list[Fields], name: str) -> bool:
    """Whether something was to be sent, and nobody wrote down what became of it."""
    settled = {(each["act"], each["number"]) for each in _operations(records, name)}
    return any((act, number) not in settled for act, number, _ in _intended(records, name))


def _beyond(header: Fields, events: list[Fields], time: Fields) -> bool:
    """Whether the service was lost again after it was stable, or did not come back by itself in time."""
    if time["until"] is None:
        return False
    if time["bad_last"] is not None and time["bad_last"] > time["until"]:
        return True
    begin = _when(events, "fault_begin")
    if time["none"] or begin is None:
        return False
    late = time["b"] is not None and time["b"][0] > begin + header["deadline_ns"]
    return late or any(each["event"] == "healed" and each["ns"] <= time["until"] for each in events)


def _was_restored(records: list[Fields], events: list[Fields], stream: Fields) -> bool:
    read = [each["ns"] for each in records if each["kind"] == "readback" and each["stream"] == stream["name"]]
    return any(
        each["event"] == "restored"
        and each["detail"].get("dataset") == stream["dataset"]
        and read
        and each["ns"] <= read[-1]
        for each in events
    )


def _turn(stream: Fields, late: int | None) -> int:
    """The longest time without an acknowledgement in a service that is well."""
    if stream["role"] != "marks" and late is not None:
        return int(stream["interval_ns"]) + late + late // 2
    return 2 * int(stream["interval_ns"])


def _unwell(records: list[Fields], stream: Fields, f0: int | None, late: int | None) -> bool:
    """Whether nothing was served by that stream in the last turn before the fault."""
    if f0 is None or late is None:
        return False
    return not any(
        _is_served(each, late) and f0 - _turn(stream, late) <= each["completed_ns"] <= f0
        for each in _operations(records, stream["name"])
    )


def _streams(header: Fields, role: str) -> list[Fields]:
    return [each for each in header["streams"] if each["role"] == role]


def _when(events: list[Fields], name: str) -> int | None:
    found = [each["ns"] for each in events if each["event"] == name]
    return found[-1] if found else None


def _late(header: Fields, events: list[Fields]) -> int | None:
    for each in events:
        if each["event"] == "frozen":
            return int(each["detail"]["late_ns"])
    return header["late_ns"]


def _problems(header: Fields, records: list[Fields], events: list[Fields], *, none: bool) -> list[str]:
    found = []
    if any(each["event"] == "aborted" for each in events):
        found.append("aborted")
    if any(each["kind"] == "end" and each["reason"] == "aborted" for each in records):
        found.append("aborted")
    if _late(header, events) is None and _streams(header, "clients"):
        found.append("late")
    if not none:
        if _when(events, "fault_begin") is None or _when(events, "fault_end") is None:
            found.append("no fault")
        effective = [each["detail"]["holds"] for each in events if each["event"] == "fault_effective"]
        if not effective or not all(effective):
            found.append("no effect")
    return found


def _doubtful(header: Fields, records: list[Fields], events: list[Fields]) -> bool:
    orphaned = any(each["kind"] == "end" and each["reason"] in {"orphaned", "deadline"} for each in records)
    told = any(each["event"] == "check" and each["detail"]["name"] == "runbook" for each in events)
    respond = header["drill"]["respond"]
    owed = respond == "runbook" and not told
    unsafe = header["drill"].get("gate", False) and _when(events, "safe") is None
    asleep = header["drill"].get("revive", False) and _when(events, "old_primary_revived") is None
    nowhere = header["drill"].get("revive", False) and not _streams(header, "old_primary")
    return orphaned or owed or unsafe or asleep or nowhere or not _calibrated(header)


def _calibrated(header: Fields) -> bool:
    known = header.get("calibration")
    return (
        known is not None
        and known["passed"]
        and min(known["outages"], known["losses"]) > 0
        and (known["losses_missed"], known["outages_outside"]) == (0, 0)
        and (known["machine"], known["judge"]) == (header.get("machine"), header["judge"])
        and known["age_seconds"] <= 30 * 24 * 60 * 60
    )


def _operations(records: list[Fields], name: str) -> list[Fields]:
    return [each for each in records if each["kind"] == "operation" and each["stream"] == name]


def _is_served(each: Fields, late: int) -> bool:
    return each["outcome"] == "acknowledged" and each["completed_ns"] - each["sent_ns"] <= late


def _time(
    operations: list[Fields],
    watch: int,
    f0: int | None,
    f1: int | None,
    late: int,
    stable: int,
    none: bool,
) -> Fields:
    bad = [each for each in operations if not _is_served(each, late) and each["sent_ns"] >= watch]
    if not none:  # in flight when the fault began
        bad += [
            each
            for each in operations
            if not _is_served(each, late) and each["sent_ns"] < watch and each["completed_ns"] >= watch
        ]
    bad_sent = sorted(each["sent_ns"] for each in bad)
    if none:
        f0, f1 = None, None
        if bad_sent:
            before = [
                each["sent_ns"]
                for each in operations
                if _is_served(each, late) and each["sent_ns"] < bad_sent[0]
            ]
            f0, f1 = max(before, default=None), bad_sent[0] + late

    def counted_from(first: int) -> int:
        return first if none or f1 is None else max(first, f1)

    run = None
    for each in _runs(operations, bad_sent, watch, late):
        came_later = not none or not bad_sent or each[0] > bad_sent[0]
        if came_later and each[-1] - counted_from(each[0]) >= stable:
            run = each
            break
    s = max((sent for sent in bad_sent if run is None or sent < run[0]), default=None)
    lower = 0 if s is None or f1 is None else max(0, s - f1)
    b = None
    after = s if none else max(s if s is not None else -1, f1 if f1 is not None else -1)
    if run is not None and after is not None:
        for each in operations:
            if each["outcome"] == "acknowledged" and each["sent_ns"] > after:
                answer = (each["completed_ns"], each["sent_ns"])
                b = answer if b is None else min(b, answer)
    upper = None
    if run is not None and b is not None and f0 is not None:
        upper = max(0, b[0] - f0)
    if run is not None and s is None and (upper is not None or none):
        before = [
            each["sent_ns"] for each in operations if each["sent_ns"] < watch and _is_served(each, late)
        ]
        begin = max(before, default=watch) if none else watch
        until = None if none else counted_from(run[0]) + stable
        upper = max(upper or 0, _unseen(operations, begin, watch, until))
    return {
        "lower": lower,
        "upper": upper,
        "s": s,
        "b": b,
        "f0": f0,
        "f1": f1,
        "none": none,
        "until": None if run is None else counted_from(run[0]) + stable,
        "bad": len(bad_sent),
        "bad_last": max(bad_sent, default=None),
        **_stretches(operations, bad_sent, watch, late),
    }


def _unseen(operations: list[Fields], begin: int, watch: int, until: int | None) -> int:
    """An outage may hide from the fault's begin, or a sending, to the answer of the next one."""
    sent = [(each["sent_ns"], each["completed_ns"]) for each in operations if each["sent_ns"] >= watch]
    gaps = [
        answered - before
        for (before, _), (_, answered) in pairwise([(begin, begin), *sorted(sent)])
        if until is None or before < until
    ]
    return max(gaps, default=0)


def _runs(operations: list[Fields], bad_sent: list[int], watch: int, late: int) -> list[list[int]]:
    """Maximal stretches of served operations, as the times of their sending."""
    sent = sorted(
        {each["sent_ns"] for each in operations if each["sent_ns"] >= watch and _is_served(each, late)}
    )
    runs: list[list[int]] = [[]]
    for ns in sorted({*sent, *bad_sent}):
        if ns in bad_sent:
            runs.append([])
        else:
            runs[-1].append(ns)
    return [each for each in runs if each]


def _stretches(operations: list[Fields], bad_sent: list[int], watch: int, late: int) -> Fields:
    served = {ns for run in _runs(operations, bad_sent, watch, late) for ns in run}
    stretches: list[list[int]] = []
    down = False
    for ns in sorted({*served, *bad_sent}):
        if ns in bad_sent:
            if not down:
                stretches.append([max(ns, watch), max(ns, watch)])
            down = True
            stretches[-1][1] = max(ns, watch)
        elif down:
            down = False
            stretches[-1][1] = ns
    return {"stretches": len(stretches), "unavailable": sum(stop - start for start, stop in stretches)}


def _span(operations: list[Fields], dues: list[int], time: Fields, watch: int, none: bool) -> tuple[int, int]:
    begin = watch if time["f0"] is None else time["f0"]
    acknowledged = [
        each["completed_ns"]
        for each in operations
        if each["outcome"] == "acknowledged" and each["completed_ns"] < begin
    ]
    unseen = dues if none else [begin, *dues]
    start = max(acknowledged) if acknowledged else min(unseen, default=begin)
    if time["until"] is None or (none and not time["bad"]):
        return start, max([begin, *(each["sent_ns"] for each in operations)])
    return start, time["until"]


def _intended(records: list[Fields], name: str) -> list[tuple[str, int, int]]:
    found = []
    for each in records:
        if each["kind"] == "intents" and each["stream"] == name:
            found += [
                (each["act"], each["first"] + j, each["scheduled_ns"] + j * each["interval_ns"])
                for j in range(each["count"])
            ]
    return found


def _stalled(
    header: Fields, records: list[Fields], stream: Fields, time: Fields, watch: int, late: int, none: bool
) -> bool:
    operations = _operations(records, stream["name"])
    dues = [due for _, _, due in _intended(records, stream["name"])]
    start, stop = _span(operations, dues, time, watch, none)
    return _unwatched(header, records, stream, start, stop, late)


def _unwatched(
    header: Fields, records: list[Fields], stream: Fields, start: int, stop: int, late: int
) -> bool:
    """Whether the recorder did not look all along from start to stop: nothing is known of what it missed."""
    operations = _operations(records, stream["name"])
    intended = _intended(records, stream["name"])
    for each in records:
        long = each["kind"] == "stall" and (each["to_ns"] - each["from_ns"]) * 2 > late
        if long and each["from_ns"] <= stop and each["to_ns"] >= start:
            return True
    settled = {(each["act"], each["number"]) for each in operations}
    for act, number, due in intended:
        if (act, number) not in settled and start <= due <= stop:
            return True
    for each in operations:
        lag = each["sent_ns"] - each["scheduled_ns"]
        if lag * 2 > late and each["scheduled_ns"] <= stop and each["sent_ns"] >= start:
            return True
    sent = sorted(each["sent_ns"] for each in operations if each["act"] != "delete")
    marks = [max([ns for ns in sent if ns <= start], default=start)]
    marks += [ns for ns in sent if start < ns < stop]
    marks += [ns for ns in sent if ns >= stop and ns > start][:1]
    for before, after in pairwise(marks):
        if (after - before - stream["interval_ns"]) * 2 > late:
            return True
    if stop > start and max(sent, default=0) < stop and (stop - marks[-1] - stream["interval_ns"]) * 2 > late:
        return True
    return any(_unheard(records, control, start, stop, late) for control in _streams(header, "control"))


def _unheard(records: list[Fields], control: Fields, start: int, stop: int, late: int) -> bool:
    """Whether the control was not asked all along from start to stop, or did not answer each time."""
    asked = _operations(records, control["name"])
    settled = {(each["act"], each["number"]) for each in asked}
    if any(
        (act, number) not in settled and start <= due <= stop
        for act, number, due in _intended(records, control["name"])
    ):
        return True
    heard = [each for each in asked if each["sent_ns"] <= stop and each["completed_ns"] >= start]
    if not heard or not all(_is_served(each, late) for each in heard):
        return True
    sent = sorted(each["sent_ns"] for each in heard if each["sent_ns"] > start)
    return any(
        (after - before - control["interval_ns"]) * 2 > late
        for before, after in pairwise([start, *sent, stop])
    )


def _reading(records: list[Fields], name: str) -> tuple[bool, list[tuple[int, str]]]:
    """Whether the last reading counts, and its rows."""
    rows: list[tuple[int, str]] = []
    counts, begun, late_settled = False, False, False
    for each in records:
        if each.get("stream") != name:
            continue
        if each["kind"] in {"read", "readback"} and not begun:
            rows, begun, late_settled = [], True, False
        if each["kind"] == "read":
            rows += [(row[0], row[1]) for row in each["rows"]]
        if each["kind"] == "operation":
            counts, late_settled = False, True
        if each["kind"] == "readback":
            begun = False
            counts = each["error"] is None and each["end"] and each["count"] == len(rows) and not late_settled
    return counts, rows


def _point(
    records: list[Fields],
    name: str,
    time: Fields | None,
    watch: int,
    f0: int | None,
    f1: int | None,
    stream: Fields,
) -> Fields:
    writes = {each["number"]: each for each in _operations(records, name) if each["act"] == "write"}
    deletes = {
        each["number"]: each["outcome"] for each in _operations(records, name) if each["act"] == "delete"
    }
    intended = _intended(records, name)
    lost_sight = {number for act, number, _ in intended if act == "delete" and number not in deletes}
    unsettled = {number for act, number, _ in intended if act == "write" and number not in writes}
    gone = {number for number, outcome in deletes.items() if outcome != "failed"} | lost_sight
    sets: dict[str, set[int]] = {"acknowledged": set(), "failed": set(), "indeterminate": set()}
    for number, each in writes.items():
        if number not in gone:
            sets[each["outcome"]].add(number)
    a, f, i = sets["acknowledged"], sets["failed"], sets["indeterminate"]
    counts, rows = _reading(records, name)
    if time is not None and time["b"] is not None and _read_elsewhere(records, name, time["b"][1]):
        counts = False
    read = any(each["kind"] == "readback" and each["stream"] == name for each in records)
    found: Fields = {"complete": counts, "counts": (len(a), len(f), len(i), len(rows)), "read": read}
    if not counts:
        return {**found, "lower": None, "upper": None}
    r = {number for number, _ in rows}
    if time is not None:
        f0, f1 = time["f0"], time["f1"]
    fault = watch if f0 is None else f0
    lost = sorted(a - r)
    survivors = [writes[n]["completed_ns"] for n in a & r if writes[n]["completed_ns"] <= fault]
    unrecorded = sorted((unsettled | lost_sight) - r)
    lower: int | None = 0
    upper: int | None = 0
    if lost:
        o = min(writes[n]["completed_ns"] for n in lost)
        newest = max(writes[n]["completed_ns"] for n in lost)
        earlier = [writes[n]["completed_ns"] for n in a if writes[n]["completed_ns"] < o]
        readback = [each["ns"] for each in records if each["kind"] == "readback" and each["stream"] == name][
            -1
        ]
        lower = newest - o if f0 is None else max(f0, newest) - o
        # What serves may have stood still since before the run, where all of it until then is gone.
        upper = max(readback if f1 is None else f1, newest) - max(earlier) if earlier else None
    b = None if time is None else time["b"]
    return {
        **found,
        "lower": lower,
        "upper": None if unrecorded else upper,
        "lost": lost,
        "after_recovery": [n for n in lost if b is not None and writes[n]["sent_ns"] > b[1]],
        "after_fault": [n for n in lost if writes[n]["completed_ns"] > fault],
        "corrupt": sorted({n for n, payload in rows if n in writes and payload != writes[n]["payload"]}),
        "duplicated": sorted(
            {n for n in r & (set(writes) | unsettled) if [number for number, _ in rows].count(n) > 1}
        ),
        "resurrected": sorted(n for n in r if deletes.get(n) == "acknowledged"),
        "phantom": sorted(f & r),
        "unexpected": sorted(r - set(writes) - unsettled),
        "kept": sorted((i | (unsettled - gone)) & r),
        "not_kept": sorted(i - r),
        "unrecorded": unrecorded,
        "age": fault - max(survivors) if survivors else None,
        "verification": _verification(records, name) if stream["role"] == "clients" else None,
    }


def _read_elsewhere(records: list[Fields], name: str, since: int) -> bool:
    """Whether the reading came from an address that served no client since the recovery."""
    where = [each["address"] for each in records if each["kind"] == "readback" and each["stream"] == name]
    served = {
        each["address"]
        for each in _operations(records, name)
        if each["outcome"] == "acknowledged" and each["sent_ns"] >= since
    }
    return bool(where) and where[-1] is not None and None not in served and where[-1] not in served


def _verification(records: list[Fields], name: str) -> int | None:
    read = [each["ns"] for each in records if each["kind"] == "readback" and each["stream"] == name]
    settled = [each["completed_ns"] for each in _operations(records, name)]
    return read[-1] - max(settled) if settled else None


def _new_side(
    operations: list[Fields], time: Fields, old: list[Fields], watch: int, promoted: int | None
) -> Any:
    """The first answer that may be the new side's: when it arrived, was asked for, and was sure to be.

    And the names of all who answer since the fault and did not before.
    """
    b = time["b"]
    answered = [each for each in operations if each["outcome"] == "acknowledged"]
    named = [each for each in answered if each["address"] is not None and each["act"] != "read"]
    before = {each["address"] for each in named if each["completed_ns"] < watch}
    itself = _itself(old, watch)
    fresh = [each for each in named if each["address"] not in before and each["address"] not in itself]
    names = {each["address"] for each in fresh}
    if before & itself:
        if fresh:
            arrived = min(each["completed_ns"] for each in fresh)
            return arrived, min(each["sent_ns"] for each in fresh), arrived, names
        by = {each["address"] for each in answered if (each["completed_ns"], each["sent_ns"]) == b}
        if b is not None and by <= itself:
            return None
    if b is None:
        return None
    since = time["f0"] if time["none"] else time["f1"]
    maybe = [
        each
        for each in answered
        if (each["sent_ns"] > since if since is not None else each["sent_ns"] >= b[1])
    ]
    arrived, asked = min(each["completed_ns"] for each in maybe), min(each["sent_ns"] for each in maybe)
    return arrived, asked, b[0] if promoted is not None and promoted <= b[1] else None, names


def _itself(old: list[Fields], watch: int) -> set[str]:
    """What the old primary called itself at its own address until the fault."""
    return {
        each["address"]
        for each in old
        if each["outcome"] == "acknowledged" and each["completed_ns"] < watch and each["address"] is not None
    }


def _revived(events: list[Fields]) -> int | None:
    """From when on the old primary may have been up again; None where it was not brought back."""
    up = _when(events, "old_primary_revived")
    begun = _when(events, "revival_begin")
    return None if up is None else min(up, up if begun is None else begun)


def _split(
    header: Fields,
    records: list[Fields],
    stream: Fields,
    times: Fields,
    stalled: Fields,
    watch: int,
    late: int | None,
) -> Fields:
    events = [each for each in records if each["kind"] == "event"]
    revived = _revived(events)
    clients = [each for each in _streams(header, "clients") if each["name"] in times]
    same = [each for each in clients if each["dataset"] == stream["dataset"]]
    writes = [each for each in _operations(records, stream["name"]) if each["act"] == "write"]
    promoted = [
        each["ns"]
        for each in events
        if each["event"] == "promoted"
        and each["detail"].get("dataset", stream["dataset"]) == stream["dataset"]
    ]
    answers = [
        _new_side(
            _operations(records, each["name"]),
            times[each["name"]],
            writes,
            watch,
            min(promoted, default=None),
        )
        for each in same
    ]
    answers = [each for each in answers if each is not None]
    later = [each for each in writes if revived is not None and each["sent_ns"] >= revived]
    taken = sorted(each["number"] for each in later if each["outcome"] == "acknowledged")
    revival = {"revived": revived is not None, "tried": len(later), "taken": taken}
    if not answers:
        return {"after": [], "overlapping": [], "verdict": "inconclusive", **revival}
    arrived, asked = min(each[0] for each in answers), min(each[1] for each in answers)
    certain = min((each[2] for each in answers if each[2] is not None), default=None)
    taken_there = [each for each in writes if each["outcome"] == "acknowledged"]
    others = {name for each in answers for name in each[3]}
    yes = [each for each in taken_there if each["address"] not in others]
    after = sorted(each["number"] for each in yes if certain is not None and each["sent_ns"] > certain)
    overlapping = sorted(
        each["number"] for each in yes if each["number"] not in after and each["completed_ns"] >= asked
    )
    tried = [each["sent_ns"] for each in writes if each["sent_ns"] > arrived]
    unsettled = {number for _, number, _ in _intended(records, stream["name"])} - {
        w["number"] for w in writes
    }
    unknown = any(each["outcome"] == "indeterminate" for each in writes if each["sent_ns"] > arrived)
    worked = any(watch - _turn(stream, late) <= each["completed_ns"] < asked for each in yes)
    until = max([asked + header["stable_ns"], *(times[each["name"]]["until"] or 0 for each in same)])
    verdict = "met"
    if overlapping or unknown or not tried or unsettled or not worked or len(yes) < len(taken_there):
        verdict = "inconclusive"
    if any(stalled.get(each["name"]) for each in same):
        verdict = "inconclusive"
    if revived is not None and not _heard_to_refuse(header, records, stream, later, revived, late):
        verdict = "inconclusive"
    itself = _itself(writes, watch)
    own = [each for each in writes if each["outcome"] != "acknowledged" or each["address"] not in others]
    if not _all_refused(own, events, arrived, until, revived, stream.get("site"), itself):
        verdict = "inconclusive"
    if late is None or _unwatched(header, records, stream, arrived, until, late):
        verdict = "inconclusive"
    if after:
        verdict = "missed"
    return {"after": after, "overlapping": overlapping, "verdict": verdict, **revival}


def _gone(events: list[Fields], since: int | None, until: int | None, site: str | None) -> list[int]:
    """When it was proven that nothing of the old primary runs."""
    return [
        each["ns"]
        for each in events
        if (
            each["event"] == "old_primary_gone"
            or (each["event"] == "fenced" and each["detail"].get("proof") == "gone")
        )
        and site in (None, each["detail"].get("site", site))
        and (since is None or each["ns"] >= since)
        and (until is None or each["ns"] < until)
    ]


def _all_refused(
    writes: list[Fields],
    events: list[Fields],
    arrived: int,
    until: int,
    revived: int | None,
    site: str | None,
    itself: set[str],
) -> bool:
    """Whether each write in that time was refused by its server, or sent to one that was fenced or gone.

    And whether the old primary answered nothing while it was gone.
    """
    gone = _gone(events, None, revived, site)

    def was_gone(write: Fields) -> bool:
        return bool(gone) and gone[0] <= write["sent_ns"] <= write["completed_ns"] <= gone[-1]

    if any(each["outcome"] == "acknowledged" and was_gone(each) for each in writes):
        return False
    fences = [
        each["ns"]
        for each in events
        if each["event"] == "fenced"
        and each["detail"].get("proof") in ("power off", "own fence", "own fence, power off")
        and site in (None, each["detail"].get("site", site))
    ]
    meanwhile = [
        each
        for each in writes
        if arrived < each["sent_ns"] <= until and (revived is None or each["sent_ns"] < revived)
    ]
    strangers = [each for each in meanwhile if itself and each["address"] not in {None, *itself}]
    heard = [
        each["sent_ns"]
        for each in meanwhile
        if each["outcome"] == "failed" and each["cause"] in ("25006", "42501", "denied")
        if each not in strangers
    ]
    for each in meanwhile:
        if each["outcome"] != "failed" or each in strangers:
            return False
        by_server = each["cause"] in ("25006", "42501", "denied")
        if was_gone(each) and (by_server or each["cause"] in ("turned away", "rejected")):
            return False
        fenced = bool(fences) and each["sent_ns"] >= fences[0]
        shut = each["cause"] in ("refused", "turned away") and any(ns >= each["sent_ns"] for ns in heard)
        if not (by_server or fenced or was_gone(each) or shut):
            return False
    return bool(meanwhile)


def _heard_to_refuse(
    header: Fields, records: list[Fields], stream: Fields, later: list[Fields], revived: int, late: int | None
) -> bool:
    """Whether the server itself said no, over a time long enough, and the recorder looked all along it."""
    events = [each for each in records if each["kind"] == "event"]
    gone = _gone(events, revived, None, stream.get("site"))
    no = [
        each["sent_ns"]
        for each in later
        if each["outcome"] == "failed"
        and (
            each["cause"] in ("25006", "42501", "denied")
            or (gone and gone[0] <= each["sent_ns"] <= each["completed_ns"] <= gone[-1])
        )
    ]
    if late is None or not no or max(no) - min(no) < min(header["stable_ns"], 10_000_000_000):
        return False
    return not _unwatched(header, records, stream, revived, max(no), late)


def _verdict(judged: Fields, void: bool, times: Fields, points: Fields) -> str:
    limit = round(judged["seconds"] * 10**9)
    name = judged["stream"]
    if judged["objective"] == "rto":
        if void or name not in times:
            return "inconclusive"
        return _bounded(limit, times[name]["lower"], times[name]["upper"])
    if name not in points:
        return "inconclusive"
    point = points[name]
    if point["complete"]:
        if point["corrupt"] or point["duplicated"] or point["resurrected"] or point["after_recovery"]:
            return "missed"
        if point["lost"] and limit == 0:
            return "missed"
    if void or not point["complete"]:
        return "inconclusive"
    if point["lower"] > limit:
        return "missed"
    if point["unrecorded"] or point["phantom"] or point["unexpected"]:
        return "inconclusive"
    if not point["lost"] and (point["age"] is None or point["age"] > (limit or point["turn"])):
        return "inconclusive"
    if name in times and times[name]["until"] is None:
        return "inconclusive"
    return _bounded(limit, point["lower"], point["upper"])


def _bounded(limit: int, lower: int, upper: int | None) -> str:
    if lower > limit:
        return "missed"
    if upper is not None and upper <= limit:
        return "met"
    return "inconclusive"
