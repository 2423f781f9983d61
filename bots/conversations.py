"""The bots' flows by name and version, and which one an interaction runs."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

from bots.conversation import Conversation, Reply, Turn
from bots.errors import NoSuchFlow
from bots.flow import phrases
from bots.flow.rollout import Rollout
from router.model import Channel, Handoff, Interaction

BOT_FAILED = "bot-failed"
"""The reason of a hand-over by a bot that broke."""

log = logging.getLogger(__name__)


class Conversations(Mapping[str, Conversation]):
    """All flows by name, in the versions that are in use, and which one an interaction runs."""

    def __init__(self, listed: Iterable[Conversation], entry: Mapping[Channel, str]) -> None:
        """``entry`` is the company's flow per channel, for those who contact us."""
        self._by_version: dict[tuple[str, str], Conversation] = {}
        self._rollouts: dict[str, Rollout] = {}
        self._entry = entry
        self.fetch: Callable[[str, str], Awaitable[None]] | None = None
        """Makes a version known that is not, where there is one (``bots.shelf``)."""
        for conversation in listed:
            self.know(conversation)
            flow = conversation.flow
            self._rollouts[flow.name] = Rollout(flow.version)

    def know(self, conversation: Conversation) -> None:
        """From now on interactions may run this version of a flow."""
        flow = conversation.flow
        self._by_version[flow.name, flow.version] = conversation

    def knows(self, name: str, version: str) -> bool:
        """Whether interactions may run it."""
        return (name, version) in self._by_version

    def steer(self, name: str, rollout: Rollout) -> None:
        """What new conversations get; its versions are known."""
        self._rollouts[name] = rollout

    def __getitem__(self, name: str) -> Conversation:
        """The live version."""
        return self._by_version[name, self._rollouts[name].live]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rollouts)

    def __len__(self) -> int:
        return len(self._rollouts)

    def wanted(self, interaction: Interaction) -> tuple[str, str]:
        """Name and version of the flow that this interaction is in, or begins.

        The flow of its memory, of its ``meta["flow"]`` (campaigns), or its channel's.
        """
        state = interaction.bot_state
        name = str(
            state.get("flow")
            or interaction.meta.get("flow")
            or self._entry.get(interaction.channel, "")
        )
        rollout = self._rollouts.get(name)
        begun = str(state.get("version", "")) if state.get("flow") else ""
        return name, begun or (rollout.version_for(interaction.id) if rollout else "")

    async def ready_for(self, interaction: Interaction) -> None:
        """Return when :meth:`of` knows the version that this interaction runs."""
        name, version = self.wanted(interaction)
        if self.fetch is not None and version and not self.knows(name, version):
            await self.fetch(name, version)

    def of(self, interaction: Interaction) -> Conversation:
        """The conversation this interaction is in, or begins. Raises ``NoSuchFlow``.

        A version that is not known any more is gone on with in the live one.
        """
        name, version = self.wanted(interaction)
        if name not in self._rollouts:
            known = ", ".join(sorted(self._rollouts))
            raise NoSuchFlow(f"no flow {name!r}; the loaded ones are: {known}")
        found = self._by_version.get((name, version))
        if found is None:
            log.warning("flow %s has no version %s here: the live one goes on", name, version)
        return found or self[name]

    def broken(self, interaction: Interaction) -> Turn:
        """The turn when our own part fails: it says so, and a person gets what was known.

        Whatever went wrong, nothing of this does too: what cannot be made out of the memory
        is left out of the packet.
        """
        memory = dict(interaction.bot_state)
        language = str(memory.get("language") or interaction.language)
        words = phrases.BROKEN.find(language, interaction.channel, "en")
        packet, queue = Handoff(BOT_FAILED, "The bot broke down.", language=language), ""
        try:
            conversation = self.of(interaction)
            queue = str(memory.get("queue") or conversation.flow.queue)
            if memory.get("flow"):
                packet = conversation.packet(memory, BOT_FAILED)
        except Exception:
            log.exception("little is known of the conversation of %s", interaction.id)
        memory["over"] = "handoff"
        return Turn((Reply(words, words),), memory, handoff=packet, queue=queue)

    def frequent(self) -> Iterator[tuple[str, str]]:
        """The same of all flows, that of those who call us first."""
        first = self._entry.get(Channel.VOICE, "")
        for name in sorted(self._rollouts, key=lambda name: name != first):
            yield from self[name].frequent()

    async def prepare(self) -> None:
        """Train all of them; do this at the start so that the first customer does not wait."""
        for conversation in list(self._by_version.values()):
            await conversation.prepare()
