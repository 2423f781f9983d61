"""The demo order service: what the flow's action sees."""

from __future__ import annotations

from datetime import date

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from gateway.demo.orders import OrderBook, order_routes, read_orders
from router.errors import BadConfiguration

TODAY = date(2026, 7, 1)


def client() -> TestClient[Litestar]:
    return TestClient(Litestar([order_routes(read_orders(today=lambda: TODAY))]))


def test_order_known_tells_status_and_day() -> None:
    with client() as http:
        body = http.get("/demo/api/orders/HL-482913").json()
    assert body["status"] == "in_transit"
    assert body["expected_on"] == "2026-07-02"
    assert body["place"] == "Saltmere depot"


@pytest.mark.parametrize("written", ["482913", "hl-482913", "HL482913", "HL 482 913"])
def test_order_number_written_otherwise_is_found(written: str) -> None:
    with client() as http:
        assert http.get(f"/demo/api/orders/{written}").json()["number"] == "HL-482913"


@pytest.mark.parametrize("number", ["HL-000000", "nonsense", "12", "HL-48291"])
def test_order_unknown_is_a_problem_document(number: str) -> None:
    with client() as http:
        answer = http.get(f"/demo/api/orders/{number}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert number in answer.json()["detail"]
    assert answer.json()["status"] == 404


def test_orders_of_one_customer_newest_first() -> None:
    with client() as http:
        every = http.get("/demo/api/orders").json()
        mine = http.get("/demo/api/orders", params={"customer": "c01"}).json()
    assert len(every) == 60
    assert {order["customer"] for order in mine} == {"c01"}
    assert [order["placed_on"] for order in mine] == sorted(
        (order["placed_on"] for order in mine), reverse=True
    )


def test_ready_parcel_says_until_when_it_is_kept() -> None:
    order = read_orders(today=lambda: TODAY).order("HL-619024")
    assert order.status == "ready_for_pickup"
    assert order.keep_until == "2026-07-08"


def test_appointment_confirmed_twice_stays_confirmed() -> None:
    with client() as http:
        assert http.get("/demo/api/appointments/AP-1002").json()["state"] == "open"
        for _ in range(2):
            answer = http.post("/demo/api/appointments/AP-1002/confirm")
            assert (answer.status_code, answer.json()["state"]) == (200, "confirmed")
        assert http.get("/demo/api/appointments/AP-1002").json()["state"] == "confirmed"
        assert http.post("/demo/api/appointments/AP-9/confirm").status_code == 404
        days = [visit["day"] for visit in http.get("/demo/api/appointments").json()]
    assert days == sorted(days)


def test_order_file_with_unknown_status_names_the_order() -> None:
    row = {"number": "HL-1", "status": "teleported"}
    with pytest.raises(BadConfiguration, match=r"HL-1.*teleported"):
        OrderBook({"orders": [row]})
