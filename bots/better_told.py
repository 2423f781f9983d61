"""A hand-over's summary in better words than the rules have, where they come in time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from bots.handoff import Summariser
from router.errors import ParleyError
from router.model import Handoff

SUMMARY_S = 1.5
"""Nobody waits longer for a person because of a summary. The language model itself may be given
more time (``PARLEY_LLM_WHOLE_S``) for other work."""
DESK = "en"
"""The language that every desk reads."""

log = logging.getLogger(__name__)


async def better_told(summariser: Summariser, packet: Handoff) -> Handoff:
    """The packet with the summariser's words for the desk and the customer's language, or as is.

    What the customer said is in the packet: what is wanted, what was tried and the last words.
    """
    said = [("customer", packet.last_utterance)] if packet.last_utterance else []
    languages = list(dict.fromkeys([DESK, packet.language]))
    try:
        async with asyncio.timeout(SUMMARY_S):
            told = await asyncio.gather(
                *(summariser.summarise(packet, said, language) for language in languages)
            )
    except (ParleyError, TimeoutError) as error:
        log.info("the summary keeps the rules' words: %s", error or "not in time")
        return packet
    words = {**packet.summaries, **dict(zip(languages, told, strict=True))}
    return replace(packet, summary=words[DESK], summaries=words)
