"""The demo company's order service: a small HTTP API that the flow's actions call.

Its data is a file with days relative to today, so that it never ages:
``GET /demo/api/orders``, ``/orders/{number}``, ``/appointments``,
``/appointments/{id}``, ``PUT /orders/{number}/delivery`` and
``POST /appointments/{id}/confirm``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import yaml
from litestar import Request, Response, Router, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from router.errors import BadConfiguration, ParleyError

ORDERS_FILE = Path(__file__).parent / "orders.yaml"
PATH = "/demo/api"
STATUSES = (
    "registered",
    "accepted",
    "in_transit",
    "out_for_delivery",
    "ready_for_pickup",
    "delivered",
    "delayed",
    "returned",
)
MOVABLE = ("registered", "accepted", "in_transit", "delayed")
"""Statuses in which a parcel's day can be changed."""
DELIVERY_DAYS = 14
SUNDAY = 6
PICKUP_DAYS = 7
"""How long a locker keeps a parcel (article ``parcel-lockers``)."""
PROBLEM = "application/problem+json"

_DIGITS = re.compile(r"\d{6}")

Today = Callable[[], date]


class NoSuchOrder(ParleyError):
    """No order has this number. It looks like HL-482913."""


class TooLate(ParleyError):
    """This parcel is out for delivery or delivered; its day cannot be changed any more."""


class NoDelivery(ParleyError):
    """Nothing is delivered on that day: choose one within two weeks that is not a Sunday."""


class NoSuchAppointment(ParleyError):
    """No appointment has this id. It looks like AP-1001."""


@dataclass(frozen=True, slots=True)
class Order:
    """A parcel as the API tells it. Dates are ISO days; ``keep_until`` is for a locker."""

    number: str
    customer: str
    status: str
    size: str
    goods: str
    placed_on: str
    expected_on: str
    place: str
    delivered_on: str = ""
    keep_until: str = ""


@dataclass(frozen=True, slots=True)
class Appointment:
    """A technician's visit. ``state`` is ``open`` or ``confirmed``."""

    id: str
    customer: str
    kind: str
    day: str
    window: str
    state: str


class DeliveryDay(msgspec.Struct, frozen=True):
    """The day that a customer wishes."""

    day: date


class OrderBook:
    """The orders and appointments of one file, told as of today."""

    def __init__(self, raw: Mapping[str, Any], today: Today = date.today) -> None:
        self._today = today
        self._orders = {row["number"]: _checked(row) for row in raw["orders"]}
        self._visits = {row["id"]: dict(row) for row in raw.get("appointments", [])}

    def order(self, number: str) -> Order:
        """By number, with or without its letters. Raises ``NoSuchOrder``."""
        digits = _DIGITS.search(re.sub(r"[\s-]", "", number))
        row = self._orders.get(f"HL-{digits.group()}") if digits else None
        if row is None:
            raise NoSuchOrder(f"no order {number[:40]!r}; a number looks like HL-482913")
        return self._told(row)

    def orders(self, customer: str | None = None) -> list[Order]:
        """All, or one customer's, newest first."""
        rows = [row for row in self._orders.values() if customer in (None, row["customer"])]
        return sorted(map(self._told, rows), key=lambda order: order.placed_on, reverse=True)

    def change_day(self, number: str, day: date) -> Order:
        """Bring it on another day. Raises ``NoSuchOrder``, ``TooLate``, ``NoDelivery``."""
        order = self.order(number)
        if order.status not in MOVABLE:
            raise TooLate(f"{order.number} is {order.status.replace('_', ' ')}")
        ahead = (day - self._today()).days
        if not 1 <= ahead <= DELIVERY_DAYS or day.weekday() == SUNDAY:
            raise NoDelivery(f"no delivery on {day.isoformat()}")
        self._orders[order.number] = {**self._orders[order.number], "expected": ahead}
        return self.order(order.number)

    def appointment(self, visit_id: str) -> Appointment:
        """By id. Raises ``NoSuchAppointment``."""
        row = self._visits.get(visit_id.upper())
        if row is None:
            raise NoSuchAppointment(f"no appointment {visit_id[:40]!r}; an id looks like AP-1001")
        day = self._today() + timedelta(days=row["in_days"])
        return Appointment(
            row["id"], row["customer"], row["kind"], day.isoformat(), row["window"], row["state"]
        )

    def appointments(self, customer: str | None = None) -> list[Appointment]:
        """All, or one customer's, soonest first."""
        found = [self.appointment(key) for key in self._visits]
        mine = [visit for visit in found if customer in (None, visit.customer)]
        return sorted(mine, key=lambda visit: visit.day)

    def confirm(self, visit_id: str) -> Appointment:
        """The customer will be there. Raises ``NoSuchAppointment``; twice is once."""
        visit = self.appointment(visit_id)
        self._visits[visit.id]["state"] = "confirmed"
        return replace(visit, state="confirmed")

    def _told(self, row: Mapping[str, Any]) -> Order:
        today = self._today()
        expected = today + timedelta(days=row["expected"])
        waiting = row["status"] == "ready_for_pickup"
        return Order(
            number=row["number"],
            customer=row["customer"],
            status=row["status"],
            size=row["size"],
            goods=row["goods"],
            placed_on=(today - timedelta(days=row["placed"])).isoformat(),
            expected_on=expected.isoformat(),
            place=row.get("place", ""),
            delivered_on=expected.isoformat() if row["status"] == "delivered" else "",
            keep_until=(expected + timedelta(days=PICKUP_DAYS)).isoformat() if waiting else "",
        )


def read_orders(path: Path = ORDERS_FILE, today: Today = date.today) -> OrderBook:
    """The book of a file. Raises ``BadConfiguration`` naming the row that is wrong."""
    raw = yaml.safe_load(path.read_text("utf-8"))
    return OrderBook(raw, today)


def order_routes(book: OrderBook | None = None) -> Router:
    """The API under ``/demo/api``; its errors are problem documents (RFC 9457)."""
    orders = book or read_orders()

    @get("/orders", sync_to_thread=False)
    def list_orders(customer: FromQuery[str | None] = None) -> Response[bytes]:
        return _json(orders.orders(customer))

    @get("/orders/{number:str}", sync_to_thread=False)
    def one_order(number: FromPath[str]) -> Response[bytes]:
        return _json(orders.order(number))

    @put("/orders/{number:str}/delivery", sync_to_thread=False)
    def change_delivery(number: FromPath[str], data: JSONBody[DeliveryDay]) -> Response[bytes]:
        return _json(orders.change_day(number, data.day))

    @get("/appointments", sync_to_thread=False)
    def list_appointments(customer: FromQuery[str | None] = None) -> Response[bytes]:
        return _json(orders.appointments(customer))

    @get("/appointments/{visit_id:str}", sync_to_thread=False)
    def one_appointment(visit_id: FromPath[str]) -> Response[bytes]:
        return _json(orders.appointment(visit_id))

    @post("/appointments/{visit_id:str}/confirm", sync_to_thread=False, status_code=HTTPStatus.OK)
    def confirm_appointment(visit_id: FromPath[str]) -> Response[bytes]:
        return _json(orders.confirm(visit_id))

    return Router(
        PATH,
        route_handlers=[
            list_orders,
            one_order,
            change_delivery,
            list_appointments,
            one_appointment,
            confirm_appointment,
        ],
        exception_handlers={
            NoSuchOrder: _not_found,
            NoSuchAppointment: _not_found,
            TooLate: _refused,
            NoDelivery: _refused,
        },
    )


def _checked(row: Mapping[str, Any]) -> Mapping[str, Any]:
    if row.get("status") not in STATUSES:
        raise BadConfiguration(
            f"orders: {row.get('number')}: status {row.get('status')!r} is not one of {STATUSES}"
        )
    return row


def _json(body: Order | Appointment | Sequence[Order] | Sequence[Appointment]) -> Response[bytes]:
    if isinstance(body, Order | Appointment):
        return Response(msgspec.json.encode(asdict(body)), media_type="application/json")
    rows = [asdict(item) for item in body]
    return Response(msgspec.json.encode(rows), media_type="application/json")


def _not_found(request: Request[Any, Any, Any], error: ParleyError) -> Response[bytes]:
    kind = "no-such-order" if isinstance(error, NoSuchOrder) else "no-such-appointment"
    return _problem(request, error, kind, HTTPStatus.NOT_FOUND)


def _refused(request: Request[Any, Any, Any], error: ParleyError) -> Response[bytes]:
    if isinstance(error, TooLate):
        return _problem(request, error, "too-late", HTTPStatus.CONFLICT)
    return _problem(request, error, "no-delivery", HTTPStatus.UNPROCESSABLE_ENTITY)


def _problem(
    request: Request[Any, Any, Any], error: ParleyError, kind: str, status: HTTPStatus
) -> Response[bytes]:
    document = {
        "type": f"urn:harbourline:problem:{kind}",
        "title": kind.replace("-", " ").capitalize(),
        "status": status,
        "detail": str(error),
        "instance": request.url.path,
    }
    return Response(msgspec.json.encode(document), media_type=PROBLEM, status_code=status)
