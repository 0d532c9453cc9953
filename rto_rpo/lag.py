"""How late the recorder sent its operations."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

from rto_rpo.column import OUTCOME_MASK, Column
from rto_rpo.measurement import Lag

_SHIFT: Final = 10
_BUCKETS: Final = 2**21 + 1


def lag(columns: Iterable[Column], stall_max_ns: int) -> Lag:
    """Quantiles of the send lag of all settled operations, rounded up by at most 1.024 µs.

    What was sent more than 2.1 s late counts as that late. The maximum is exact.
    """
    counts = array("Q", [0]) * _BUCKETS
    top: int | None = None
    for column in columns:
        for slot, (value, state) in enumerate(zip(column.lag, column.state, strict=True)):
            if state & OUTCOME_MASK:
                exact = value if value > 0 else max(0, column.lag_ns(slot))
                counts[min((exact + (1 << _SHIFT) - 1) >> _SHIFT, _BUCKETS - 1)] += 1
                if top is None or exact > top:
                    top = exact
    if top is None:
        return Lag(None, None, None, stall_max_ns / 1e9)
    half, most = (min(_quantile(counts, percent), top) / 1e9 for percent in (50, 99))
    return Lag(half, most, top / 1e9, stall_max_ns / 1e9)


def _quantile(counts: array[int], percent: int) -> int:
    """The upper edge of the bucket that holds the smallest value which `percent` of all do not exceed."""
    wanted = -(-sum(counts) * percent // 100)
    for bucket, count in enumerate(counts):
        wanted -= count
        if wanted <= 0:
            return bucket << _SHIFT
    return _BUCKETS << _SHIFT
