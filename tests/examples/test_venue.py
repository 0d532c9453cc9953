"""The venue: every arrival counts, also after a kill."""

from __future__ import annotations

import json
from pathlib import Path

from tests.examples.conftest import Programs, call, listed


def test_an_order_sent_twice_shows(programs: Programs) -> None:
    venue = programs.venue()
    for name in ("a-1", "a-2", "a-1", "b-1"):
        assert call(venue, "POST", "/orders", {"client_order_id": name}).status == 201
    rows = listed(call(venue, "GET", "/orders?prefix=a-"))
    assert {name: row["arrivals"] for name, row in rows.items()} == {"a-1": 2, "a-2": 1}
    assert call(venue, "GET", "/health").content == {"orders": 3}


def test_a_cancelled_order_stays_known(programs: Programs) -> None:
    venue = programs.venue()
    call(venue, "POST", "/orders", {"client_order_id": "a-1"})
    assert call(venue, "POST", "/orders/a-1/cancel").content["cancelled"] is True
    assert call(venue, "POST", "/orders/a-2/cancel").status == 404
    assert listed(call(venue, "GET", "/orders"))["a-1"]["cancelled"] is True


def test_a_long_list_is_whole(programs: Programs, tmp_path: Path) -> None:
    book = tmp_path / "book"
    names = [f"a-{number}" for number in range(1_201)]
    book.write_text("".join(json.dumps(["new", name]) + "\n" for name in names))
    assert list(listed(call(programs.venue(book=book), "GET", "/orders?prefix=a-"))) == names


def test_the_book_outlives_its_venue_without_the_line_that_was_cut_short(
    programs: Programs, tmp_path: Path
) -> None:
    book = tmp_path / "book"
    first = programs.venue(book=book)
    call(first, "POST", "/orders", {"client_order_id": "a-1"})
    call(first, "POST", "/orders/a-1/cancel")
    programs.stop(first)
    with book.open("a") as file:
        file.write('["new", "a-2')
    second = programs.venue(book=book)
    call(second, "POST", "/orders", {"client_order_id": "a-3"})
    programs.stop(second)
    third = programs.venue(book=book)
    assert listed(call(third, "GET", "/orders")) == {
        "a-1": {"client_order_id": "a-1", "arrivals": 1, "cancelled": True},
        "a-3": {"client_order_id": "a-3", "arrivals": 1, "cancelled": False},
    }


def test_a_full_book_takes_no_new_order(programs: Programs) -> None:
    venue = programs.venue("--orders-max", 1)
    assert call(venue, "POST", "/orders", {"client_order_id": "a-1"}).status == 201
    assert call(venue, "POST", "/orders", {"client_order_id": "a-2"}).status == 503
    assert call(venue, "POST", "/orders", {"client_order_id": "a-1"}).content["arrivals"] == 2
    assert call(venue, "POST", "/orders", {"client_order_id": ""}).status == 400
