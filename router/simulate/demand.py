"""Who will come: arrivals, handle times and patience of a simulated day, drawn beforehand.

A customer's talk time and patience belong to the customer, not to the moment of service. So
the same draw can be put before two configurations: the difference between them is then
theirs and not chance's (common random numbers; A. Law, "Simulation Modeling and Analysis").

Times are seconds from the beginning of the simulation. Chance is an argument: a function
from a purpose ("billing calls: patience") to a generator of its own, so that changing one
stream leaves the draws of the others as they were.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from router.model import Channel

HOUR_S = 3600.0

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Chance = Callable[[str], np.random.Generator]


def chance_of(seed: int, run: int) -> Chance:
    """The generators of one run: the same for the same seed, run and purpose."""

    def generator(purpose: str) -> np.random.Generator:
        key = (run, zlib.crc32(purpose.encode()))
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))

    return generator


class Distribution(Protocol):
    """A random duration in seconds."""

    @property
    def mean(self) -> float:
        """The expected value."""
        ...

    def draw(self, generator: np.random.Generator, size: int) -> Floats:
        """So many independent values."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same; infinity for people who never give up."""

    seconds: float

    @property
    def mean(self) -> float:
        """The value."""
        return self.seconds

    def draw(self, generator: np.random.Generator, size: int) -> Floats:
        """The value, so many times."""
        return np.full(size, self.seconds)


AT_ONCE = Fixed(0.0)
ENDLESS = Fixed(math.inf)


@dataclass(frozen=True, slots=True)
class Exponential:
    """Without memory: what Erlang's formulas assume."""

    mean: float

    def draw(self, generator: np.random.Generator, size: int) -> Floats:
        """Scaled standard exponentials, so that another mean stretches the same draw."""
        return self.mean * generator.standard_exponential(size)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """What talk times usually look like; ``cv`` is the standard deviation over the mean."""

    mean: float
    cv: float

    def draw(self, generator: np.random.Generator, size: int) -> Floats:
        """Exponentials of normals with the parameters that give this mean and spread."""
        variance = math.log(1 + self.cv**2)
        location = math.log(self.mean) - variance / 2
        return np.exp(location + math.sqrt(variance) * generator.standard_normal(size))


@dataclass(frozen=True, slots=True)
class Empirical:
    """One of the measured values, each as likely as the other."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Their average."""
        return sum(self.values) / len(self.values)

    def draw(self, generator: np.random.Generator, size: int) -> Floats:
        """By rank, so that a similar list of values gives a similar draw."""
        ranked = np.sort(np.asarray(self.values, dtype=np.float64))
        return ranked[(generator.random(size) * len(ranked)).astype(np.int64)]


@dataclass(frozen=True, slots=True)
class Poisson:
    """Independent customers; ``per_hour`` holds for ``every_s`` each, one after the other."""

    per_hour: tuple[float, ...]
    every_s: float

    def times(self, generator: np.random.Generator, duration_s: float) -> Floats:
        """In order. Given their number, the arrivals of an interval are spread evenly."""
        pieces = []
        for i, rate in enumerate(self.per_hour):
            begin = i * self.every_s
            length = min(self.every_s, duration_s - begin)
            if length <= 0:
                break
            count = generator.poisson(rate * length / HOUR_S)
            pieces.append(begin + np.sort(generator.random(count)) * length)
        return np.concatenate(pieces) if pieces else np.empty(0)


@dataclass(frozen=True, slots=True)
class Trace:
    """Recorded arrivals, the same in every run: seconds from the beginning."""

    seconds: tuple[float, ...]

    def times(self, generator: np.random.Generator, duration_s: float) -> Floats:
        """Those within the duration, in order."""
        times = np.sort(np.asarray(self.seconds, dtype=np.float64))
        return times[(times >= 0) & (times < duration_s)]


Arrivals = Poisson | Trace


@dataclass(frozen=True, slots=True)
class Stream:
    """Customers of one kind: which queue and channel, how many, how long, how patient.

    ``asked`` are the skills they ask for, ``vip`` the share (0..1) of priority customers.
    """

    name: str
    queue: str
    channel: Channel
    arrivals: Arrivals
    talk_s: Distribution
    wrap_up_s: Distribution = AT_ONCE
    patience_s: Distribution = ENDLESS
    asked: Mapping[str, int] = field(default_factory=dict)
    vip: float = 0.0
    head_start_s: int = 0


@dataclass(frozen=True, slots=True)
class Demand:
    """Everybody who will come, in order of arrival: columns of equal length.

    ``stream`` is the place of the stream in its list; times are seconds.
    """

    at: Floats
    stream: Ints
    talk_s: Floats
    wrap_up_s: Floats
    patience_s: Floats
    vip: Flags

    def __len__(self) -> int:
        return len(self.at)


def draw(streams: Sequence[Stream], duration_s: float, chance: Chance) -> Demand:
    """One day's customers. Streams of the same name draw the same, whatever else is there."""
    parts = [_draw_stream(i, stream, duration_s, chance) for i, stream in enumerate(streams)]
    at = np.concatenate([part.at for part in parts])
    order = np.argsort(at, kind="stable")
    return Demand(
        at=at[order],
        stream=np.concatenate([part.stream for part in parts])[order],
        talk_s=np.concatenate([part.talk_s for part in parts])[order],
        wrap_up_s=np.concatenate([part.wrap_up_s for part in parts])[order],
        patience_s=np.concatenate([part.patience_s for part in parts])[order],
        vip=np.concatenate([part.vip for part in parts])[order],
    )


def _draw_stream(place: int, stream: Stream, duration_s: float, chance: Chance) -> Demand:
    def generator(what: str) -> np.random.Generator:
        return chance(f"{stream.name}: {what}")

    at = stream.arrivals.times(generator("arrivals"), duration_s)
    count = len(at)
    return Demand(
        at=at,
        stream=np.full(count, place, dtype=np.int64),
        talk_s=stream.talk_s.draw(generator("talk"), count),
        wrap_up_s=stream.wrap_up_s.draw(generator("wrap-up"), count),
        patience_s=stream.patience_s.draw(generator("patience"), count),
        vip=generator("vip").random(count) < stream.vip,
    )
