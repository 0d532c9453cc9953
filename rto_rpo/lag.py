"""How late the recorder sent its operations."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

from rto_rpo.column import LAG_FAR, OUTCOME_MASK, Column
from rto_rpo.measurement import Lag

# Buckets as wide as their values have digits beyond the first eight binary ones: less than one percent.
_DIGITS: Final = 8
_BUCKETS: Final = 64 << _DIGITS


def lag(columns: Iterable[Column], stall_max_ns: int) -> Lag:
    """Quantiles of the send lag of all settled operations, rounded up by less than 1 %; the exact maximum."""
    counts = array("Q", [0]) * _BUCKETS
    top: int | None = None
    for column in columns:
        for slot, (lag_ns, state) in enumerate(zip(column.lag, column.state, strict=True)):
            if state & OUTCOME_MASK:
                exact = max(0, column.lag_ns(slot) if lag_ns == LAG_FAR else lag_ns)
                shift = max(0, exact.bit_length() - _DIGITS)
                counts[shift << _DIGITS | exact >> shift] += 1
                if top is None or exact > top:
                    top = exact
    if top is None:
        return Lag(None, None, None, stall_max_ns / 1e9)
    half, most = (min(_quantile(counts, percent), top) / 1e9 for percent in (50, 99))
    return Lag(half, most, top / 1e9, stall_max_ns / 1e9)


def _quantile(counts: array[int], percent: int) -> int:
    """The upper edge of the bucket of the smallest value that `percent` of all do not exceed."""
    wanted = -(-sum(counts) * percent // 100)
    bucket = -1
    while wanted > 0:
        bucket += 1
        wanted -= counts[bucket]
    shift, digits = bucket >> _DIGITS, bucket & ((1 << _DIGITS) - 1)
    return ((digits + 1) << shift) - 1
