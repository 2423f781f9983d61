"""The agents of a queue who meet certain needs, and the lines of those who have the needs.

Which agents these are changes with an agent's skills and not with who is free: a group is
made once, from an index of skills, and shared by all who have its needs.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from router.acd.lines import Line, Place
from router.acd.needs import Needs, meets, score
from router.acd.pools import Post
from router.acd.seats import CHANNELS, Seat

NEVER = math.inf
KEPT_GROUPS = 512
"""Groups that nobody waits for are forgotten beyond this number."""


class SkillGroup:
    """The agents of a queue who meet certain needs, and the lines of those who have them.

    ``bounds`` are by channel: nobody waits whose entry is smaller. An agent in many groups
    finds the first in line by them without looking into every line.
    With ``scored`` (``Evaluation.BEST``) the agents are ranked by the sum of their
    proficiencies in those skills.
    """

    __slots__ = ("_ranks", "able", "bounds", "lines", "needs", "places", "scored")

    def __init__(
        self, places: Mapping[str, Place], needs: Needs, scored: Needs, able: set[Seat]
    ) -> None:
        self.places = places
        self.needs = needs
        self.scored = scored
        self.able = able
        self.lines: tuple[dict[tuple[bool, int], Line], ...] = tuple({} for _ in CHANNELS)
        self.bounds = [NEVER] * len(CHANNELS)
        self._ranks: list[set[Seat]] | None = None

    def admit(self, seat: Seat) -> None:
        """Somebody meets the needs."""
        self.able.add(seat)
        self._ranks = None

    def dismiss(self, seat: Seat) -> None:
        """Somebody left or does not meet them any more."""
        self.able.discard(seat)
        self._ranks = None

    def ranks(self) -> list[set[Seat]]:
        """The agents in sets of equals, the best first. One set unless they are scored."""
        if self._ranks is None:
            if not self.scored:
                self._ranks = [self.able]
            else:
                by_score: dict[int, set[Seat]] = {}
                for seat in self.able:
                    by_score.setdefault(score(seat.skills, self.scored), set()).add(seat)
                self._ranks = [by_score[points] for points in sorted(by_score, reverse=True)]
        return self._ranks

    def line(self, channel: int, vip: bool, tier: int) -> Line:
        """The line of that channel, priority and open tier."""
        lines, key = self.lines[channel], (vip, tier)
        line = lines.get(key)
        if line is None:
            line = lines[key] = Line(self.places, channel, self, vip, tier)
        return line

    def forget(self, line: Line) -> None:
        """An empty line is none."""
        del self.lines[line.channel][line.vip, line.tier]

    def tighten(self, channel: int) -> Collection[Line]:
        """The lines of a channel, after looking up anew when the first of them joined.

        Who is at the top of a line may have left; nobody behind is any sooner.
        """
        lines = self.lines[channel].values()
        self.bounds[channel] = min((line.heap[0][0] for line in lines), default=NEVER)
        return lines

    @property
    def empty(self) -> bool:
        """Whether nobody waits with these needs."""
        return not any(self.lines)


class SkillGroups:
    """All skill groups of one queue, and its agents by skill."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self.posts: dict[Seat, Post] = {}
        self._places = places
        self._groups: dict[tuple[Needs, Needs], SkillGroup] = {}
        self._by_need: dict[Needs, list[SkillGroup]] = {}
        self._skilled: dict[Needs, set[Seat]] = {}
        self._most = KEPT_GROUPS

    def find(self, needs: Needs, scored: Needs) -> SkillGroup:
        """The agents who meet the needs; the first time costs O(agents of the queue)."""
        group = self._groups.get((needs, scored))
        return self._form(needs, scored) if group is None else group

    def enrol(self, post: Post) -> None:
        """An agent of this queue, free or not."""
        self.posts[post.seat] = post
        skills = post.seat.skills
        for need in _needs_met(skills):
            self._skilled.setdefault(need, set()).add(post.seat)
            for group in self._by_need.get(need, ()):
                if meets(skills, group.needs):
                    group.admit(post.seat)
                    post.groups.append(group)

    def dismiss(self, post: Post) -> None:
        """Not an agent of this queue any more."""
        for group in post.groups:
            group.dismiss(post.seat)
        for need in _needs_met(post.seat.skills):
            self._skilled[need].discard(post.seat)
        del self.posts[post.seat]

    def _form(self, needs: Needs, scored: Needs) -> SkillGroup:
        if len(self._groups) >= self._most:
            self._forget()
        each = [self._skilled.get((need,), set()) for need in needs] or [set(self.posts)]
        group = SkillGroup(self._places, needs, scored, set.intersection(*each))
        for seat in group.able:
            self.posts[seat].groups.append(group)
        self._register(group)
        return group

    def _register(self, group: SkillGroup) -> None:
        self._groups[group.needs, group.scored] = group
        # By one of its needs it is found for whoever might meet them all.
        self._by_need.setdefault(group.needs[:1], []).append(group)

    def _forget(self) -> None:
        """Drop the groups that nobody waits for."""
        kept = {group for group in self._groups.values() if not group.empty}
        self._groups, self._by_need = {}, {}
        for group in kept:
            self._register(group)
        for post in self.posts.values():
            post.groups = [group for group in post.groups if group in kept]
        self._most = max(KEPT_GROUPS, 2 * len(kept))


def _needs_met(skills: Mapping[str, int]) -> list[Needs]:
    """No need at all, and every need of one skill that these proficiencies meet."""
    single = (((name, level),) for name, has in skills.items() for level in range(1, has + 1))
    return [(), *single]
