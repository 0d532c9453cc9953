"""How late the recorder sent its operations."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

from rto_rpo.column import LAG_FAR, UNSETTLED, Column
from rto_rpo.measurement import Lag

_SHIFT: Final = 10


def lag(columns: Iterable[Column], stall_max_ns: int) -> Lag:
    """Quantiles of the send lag of all operations, rounded up by at most 1.024 µs; the maximum is exact.

    What was sent more than 2.1 s late counts as that late, but for the maximum.
    """
    lags = [column for column in columns if len(column)]
    top = max((column.lag_max_ns() for column in lags), default=0)
    counts = array("Q", [0]) * ((min(top, -LAG_FAR) >> _SHIFT) + 1)
    for column in lags:
        for lag_ns in column.lag:
            counts[lag_ns >> _SHIFT if lag_ns > 0 else 0] += 1
        counts[0] -= column.count(UNSETTLED) + len(column.far_lag)
        for lag_ns in column.far_lag.values():
            counts[-1 if lag_ns > 0 else 0] += 1
    if not sum(counts):
        return Lag(None, None, None, stall_max_ns / 1e9)
    half, most = (min(_quantile(counts, percent), top) / 1e9 for percent in (50, 99))
    return Lag(half, most, top / 1e9, stall_max_ns / 1e9)


def _quantile(counts: array[int], percent: int) -> int:
    """The upper edge of the bucket of the smallest value that `percent` of all do not exceed."""
    wanted = -(-sum(counts) * percent // 100)
    for bucket, count in enumerate(counts):
        wanted -= count
        if wanted <= 0:
            return (bucket + 1 << _SHIFT) - 1
    return len(counts) << _SHIFT
