"""The demo company's energy service: contracts, readings, instalments, moves and visits.

``/demo/api/contracts/{number}`` and below, for the flows of the demo company. What changes
something knows requests again by their ``Idempotency-Key`` and does nothing twice. Kept in
memory: every start begins with the contracts of ``contracts.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
import yaml
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, JSONBody

from gateway.demo.orders import order_routes
from router.errors import ParleyError

CONTRACTS_FILE = Path(__file__).parent / "contracts.yaml"
PATH = "/demo/api/contracts"
PROBLEM = "application/problem+json"
WINDOWS = ("08:00–12:00", "12:00–17:00")
VISITS_A_WINDOW = 2
"""So many technicians are on the road."""
DAYS_AHEAD = 60
SATURDAY = 5

_DIGITS = re.compile(r"\d{6}")
Today = Callable[[], date]
Asked = Request[Any, Any, Any]


class NoSuchContract(ParleyError):
    """No contract has this number. It looks like EN-482913."""


class CannotDo(ParleyError):
    """It cannot be done now; the message says why."""


class BadWish(ParleyError):
    """What was asked for makes no sense; the message says why."""


@dataclass(frozen=True, slots=True)
class Contract:
    """An energy contract. ``open_amount`` is in EUR, ``readings`` by meter.

    Its holder knows the ``postcode`` of the address.
    """

    number: str
    customer: str
    postcode: str
    open_amount: str
    readings: Mapping[str, int] = field(default_factory=dict)
    instalments: Mapping[str, Any] | None = None
    move: Mapping[str, str] | None = None


class Reading(msgspec.Struct, frozen=True):
    """What a meter shows."""

    kind: str
    reading: str


class Plan(msgspec.Struct, frozen=True):
    """Monthly parts, the first on ``first`` (ISO day)."""

    parts: str
    first: str


class Move(msgspec.Struct, frozen=True):
    """The day on which the keys change hands; an empty address ends the contract."""

    day: str
    address: str = ""


class Visit(msgspec.Struct, frozen=True):
    """When a technician is wanted."""

    day: str
    window: str
    phone: str


class EnergyBook:
    """The contracts of one file, and what became of them since."""

    def __init__(self, raw: Mapping[str, Any], today: Today = date.today) -> None:
        self._today = today
        self._contracts = {row["number"]: Contract(**row) for row in raw["contracts"]}
        self._visits: dict[tuple[date, str], int] = {}
        self._done: dict[str, Mapping[str, Any]] = {}

    def contract(self, number: str) -> Contract:
        """By number, with or without its letters. Raises ``NoSuchContract``."""
        digits = _DIGITS.search(re.sub(r"[\s-]", "", number))
        found = self._contracts.get(f"EN-{digits.group()}") if digits else None
        if found is None:
            raise NoSuchContract(f"no contract {number[:40]!r}; a number looks like EN-482913")
        return found

    def holds(self, number: str, postcode: str) -> Mapping[str, Any]:
        """Whether somebody knows what the holder does. Raises ``NoSuchContract`` for either."""
        contract = self.contract(number)
        if not compare_digest(contract.postcode.encode(), postcode.encode()):
            raise NoSuchContract("no contract has this number and this postal code")
        return {"contract": contract.number}

    def once(self, key: str, act: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """The answer that this key had, or that of doing it now."""
        if key not in self._done:
            done = act()
            if not key:
                return done
            self._done[key] = done
        return self._done[key]

    def read(self, number: str, reading: Reading) -> Mapping[str, Any]:
        """Note a reading. Raises ``CannotDo`` when the meter would run backwards."""
        contract = self.contract(number)
        last = contract.readings.get(reading.kind)
        shows = int(reading.reading)
        if last is None:
            raise BadWish(f"{contract.number} has no {reading.kind} meter")
        if shows < last:
            raise CannotDo(f"the meter showed {last} before, and {shows} is less")
        readings = {**contract.readings, reading.kind: shows}
        self._contracts[contract.number] = replace(contract, readings=readings)
        return {"contract": contract.number, "reading": shows, "used": shows - last}

    def pay_in_parts(self, number: str, plan: Plan) -> Mapping[str, Any]:
        """Split what is open. Raises ``CannotDo`` when nothing is."""
        contract = self.contract(number)
        parts, first = int(plan.parts), self._day(plan.first)
        open_amount = Decimal(contract.open_amount)
        if open_amount <= 0:
            raise CannotDo(f"nothing is open on {contract.number}")
        agreed = {"parts": parts, "part": f"{open_amount / parts:.2f}", "first": first.isoformat()}
        self._contracts[contract.number] = replace(contract, instalments=agreed)
        return {"contract": contract.number, **agreed}

    def move(self, number: str, move: Move) -> Mapping[str, Any]:
        """Note that a household moves."""
        contract = self.contract(number)
        noted = {"day": self._day(move.day).isoformat(), "address": move.address}
        self._contracts[contract.number] = replace(contract, move=noted)
        return {"contract": contract.number, **noted}

    def visit(self, number: str, visit: Visit) -> Mapping[str, Any]:
        """Book a technician. Raises ``CannotDo`` when nobody is free, ``BadWish``."""
        contract = self.contract(number)
        day = self._day(visit.day)
        if day.weekday() >= SATURDAY or day == self._today() or visit.window not in WINDOWS:
            raise BadWish(f"no visits on {day.isoformat()} at {visit.window}")
        taken = self._visits.get((day, visit.window), 0)
        if taken >= VISITS_A_WINDOW:
            raise CannotDo(f"nobody is free on {day.isoformat()} at {visit.window}")
        self._visits[day, visit.window] = taken + 1
        booked = {"day": day.isoformat(), "window": visit.window, "phone": visit.phone}
        return {"contract": contract.number, **booked}

    def _day(self, text: str) -> date:
        day = date.fromisoformat(text)
        if not self._today() <= day <= self._today() + timedelta(days=DAYS_AHEAD):
            raise BadWish(f"{text} is not within the next {DAYS_AHEAD} days")
        return day


def read_contracts(path: Path = CONTRACTS_FILE, today: Today = date.today) -> EnergyBook:
    """The book of a file."""
    return EnergyBook(yaml.safe_load(path.read_text("utf-8")), today)


def service_routes() -> list[Router]:
    """All services of the demo company that its flows call."""
    return [order_routes(), energy_routes()]


def energy_routes(book: EnergyBook | None = None) -> Router:
    """The API under ``/demo/api/contracts``; its errors are problem documents (RFC 9457)."""
    energy = book or read_contracts()

    @get("/{number:str}", sync_to_thread=False)
    def one(number: FromPath[str]) -> Response[bytes]:
        public = asdict(energy.contract(number))
        del public["postcode"]
        return _json(public)

    @get("/{number:str}/holders/{postcode:str}", sync_to_thread=False)
    def holder(number: FromPath[str], postcode: FromPath[str]) -> Response[bytes]:
        return _json(energy.holds(number, postcode))

    @post("/{number:str}/readings", sync_to_thread=False)
    def read(request: Asked, number: FromPath[str], data: JSONBody[Reading]) -> Response[bytes]:
        return _json(energy.once(_key(request), lambda: energy.read(number, data)))

    @post("/{number:str}/instalments", sync_to_thread=False)
    def split(request: Asked, number: FromPath[str], data: JSONBody[Plan]) -> Response[bytes]:
        return _json(energy.once(_key(request), lambda: energy.pay_in_parts(number, data)))

    @post("/{number:str}/move", sync_to_thread=False)
    def move(request: Asked, number: FromPath[str], data: JSONBody[Move]) -> Response[bytes]:
        return _json(energy.once(_key(request), lambda: energy.move(number, data)))

    @post("/{number:str}/visits", sync_to_thread=False)
    def visit(request: Asked, number: FromPath[str], data: JSONBody[Visit]) -> Response[bytes]:
        return _json(energy.once(_key(request), lambda: energy.visit(number, data)))

    return Router(
        PATH,
        route_handlers=[one, holder, read, split, move, visit],
        exception_handlers={
            NoSuchContract: _problem(HTTPStatus.NOT_FOUND),
            CannotDo: _problem(HTTPStatus.CONFLICT),
            BadWish: _problem(HTTPStatus.UNPROCESSABLE_ENTITY),
            ValueError: _problem(HTTPStatus.UNPROCESSABLE_ENTITY),
        },
    )


def _key(request: Asked) -> str:
    return str(request.headers.get("idempotency-key", ""))


def _json(body: Mapping[str, Any]) -> Response[bytes]:
    return Response(
        msgspec.json.encode(body), media_type="application/json", status_code=HTTPStatus.OK
    )


def _problem(
    status: HTTPStatus,
) -> Callable[[Asked, Exception], Response[bytes]]:
    def answer(request: Asked, error: Exception) -> Response[bytes]:
        document = {
            "type": f"urn:harbourline:problem:{status.phrase.lower().replace(' ', '-')}",
            "title": status.phrase,
            "status": status,
            "detail": str(error),
            "instance": request.url.path,
        }
        return Response(msgspec.json.encode(document), media_type=PROBLEM, status_code=status)

    return answer
