"""Ways of bending the judge that change no answer, so that no case can tell: looked at one by one.

They are guards for the type checker (where one half holds the other does too, or a value is never None);
limits on memory, and ways of looking at less of a long ledger; ties that come to the same (the larger of two
equal instants, an instant compared with -1); and how a number is put into words, not which.
"""

from __future__ import annotations

EQUIVALENT: set[tuple[str, str, str]] = {
    ("stall.py", "false 0", "if count > sum((len(column) for column in history.columns)) + 2"),
    ("stall.py", "cmp 0", "count > sum((len(column) for column in history.columns)) + 2"),
    ("stall.py", "cmp 0", "sent <= begin"),
    ("stall.py", "cmp 0", "before < 0"),
    ("stall.py", "cmp 0", "start >= 0"),
    ("stall.py", "cmp 0", "sent >= end"),
    ("stall.py", "cmp 0", "after < 0"),
    ("stall.py", "cmp 0", "first[bucket] < 0"),
    (
        "split_brain.py",
        "bool 0",
        "recovered.first_acknowledged_ns is None or recovered.first_sent_ns is None",
    ),
    (
        "split_brain.py",
        "drop 0",
        "recovered.first_acknowledged_ns is None or recovered.first_sent_ns is None",
    ),
    (
        "split_brain.py",
        "drop 1",
        "recovered.first_acknowledged_ns is None or recovered.first_sent_ns is None",
    ),
    ("split_brain.py", "drop 0", "not history.address_count or recovered.bracket.begin_ns is None"),
    ("split_brain.py", "drop 0", "completed == b.acknowledged_ns and sent == b.sent_ns"),
    ("split_brain.py", "cmp 0", "(completed, sent) < firsts[address]"),
    ("calibration.py", "drop 0", "machine is None or calibration['machine'] != machine"),
    ("run.py", "drop 1", "timeline.late_ns is None and timeline.has_clients"),
    ("run.py", "true 0", "if record['kind'] != 'operation'"),
    ("run.py", "drop 1", "each['objective'] == objective and each['stream'] is not None"),
    ("verdict.py", "false 0", "f'{count} {noun}' if count == 1 else f'{count} {noun}s'"),
    ("verdict.py", "drop 1", "judged['stream'] or ''"),
    ("verdict.py", "drop 1", "judged['stream'] or ''"),
    ("verdict.py", "drop 1", "point.loss_rate_bound or 1.0"),
    ("recovery_time.py", "false 0", "if bracket.ours"),
    ("recovery_time.py", "drop 1", "bracket.ours and bracket.end_ns is not None"),
    ("recovery_time.py", "drop 1", "bracket.ours and bracket.end_ns is not None"),
    ("recovery_time.py", "drop 1", "last_bad is not None and bracket.end_ns is not None"),
    ("recovery_time.py", "false 0", "len(bad) if sent > last_bad else bisect_left(bad, sent)"),
    ("recovery_time.py", "cmp 0", "sent > last[gap]"),
    ("recovery_time.py", "drop 0", "first >= 0 and last - _counted_from(first, bracket) >= stable_ns"),
    ("recovery_time.py", "bool 0", "best is not None and best[0] <= after + span or after + span > LIMIT"),
    ("recovery_time.py", "drop 0", "best is not None and best[0] <= after + span or after + span > LIMIT"),
    ("recovery_time.py", "drop 1", "best is not None and best[0] <= after + span or after + span > LIMIT"),
    ("recovery_time.py", "cmp 0", "served >= 0"),
    ("recovery_time.py", "cmp 0", "before < sent < bad[0]"),
    ("recovery_time.py", "cmp 0", "before < 0"),
    ("recovery_time.py", "cmp 0", "sent < first[gap]"),
    ("recovery_time.py", "cmp 0", "first[gap] < 0"),
    ("recovery_time.py", "cmp 0", "first >= 0"),
    ("recovery_time.py", "drop 1", "best is not None and best[0] <= after + span"),
    ("recovery_time.py", "cmp 0", "after + span > LIMIT"),
    ("recovery_time.py", "drop 0", "state & OUTCOME_MASK == ACKNOWLEDGED and sent > after"),
    ("recovery_time.py", "cmp 0", "best[0] <= after + span"),
    ("recovery_point.py", "drop 0", "history.readback_ns is None or history.stream['role'] != 'clients'"),
    ("recovery_point.py", "false 0", "None if last is None else (history.readback_ns - last) / 1000000000.0"),
    ("recovery_point.py", "false 0", "newest if latest is None else max(latest, newest)"),
    ("measure.py", "drop 0", "timeline.fault_begin_ns is not None and timeline.fault_end_ns is not None"),
    (
        "measure.py",
        "drop 0",
        "found.upper_ns is not None and begin is not None and (acknowledged is not None)",
    ),
    (
        "measure.py",
        "drop 1",
        "found.upper_ns is not None and begin is not None and (acknowledged is not None)",
    ),
    (
        "measure.py",
        "drop 2",
        "found.upper_ns is not None and begin is not None and (acknowledged is not None)",
    ),
    ("measure.py", "drop 0", "first.upper_ns is not None and begin is not None and (served is not None)"),
    ("measure.py", "drop 1", "first.upper_ns is not None and begin is not None and (served is not None)"),
    ("measure.py", "drop 2", "first.upper_ns is not None and begin is not None and (served is not None)"),
    ("timeline.py", "drop 2", "name == 'fault_begin' and self.late_ns is None and self.has_clients"),
}
