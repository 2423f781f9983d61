"""What the routes need, made by ``gateway.compose`` and handed to the route factories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bots.assist.thread import Mood, no_mood
from bots.campaign.service import Campaigns
from bots.conversation import Conversation
from gateway.assist_times import AssistTimes
from gateway.auth.sessions import SignIn
from gateway.desk.hub import DeskHub
from gateway.ports import ArticleSearch
from gateway.turn_metrics import TurnMetrics
from gateway.waiting_room import WaitingRoom
from router.acts.callbacks import Callbacks
from router.acts.consults import Consults
from router.acts.customers import Customers
from router.acts.lifecycle import Lifecycle
from router.acts.transfers import Transfers
from router.company import Company
from router.configuration.versions import Versions
from router.ports import Bus, Clock, Store


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the desk, its pages and the HTTP API are built from."""

    store: Store
    lifecycle: Lifecycle
    transfers: Transfers
    consults: Consults
    callbacks: Callbacks
    customers: Customers
    bus: Bus
    clock: Clock
    company: Company
    versions: Versions
    hub: DeskHub
    sign_in: SignIn
    articles: ArticleSearch
    room: WaitingRoom
    campaigns: Campaigns
    campaign_flows: tuple[str, ...]
    data_dir: Path
    node: str
    turns: TurnMetrics = field(default_factory=TurnMetrics)
    """Of the calls that this process itself has."""
    flows: Mapping[str, Conversation] = field(default_factory=dict)
    """The bots' conversations by flow: what they would ask next."""
    mood: Mood = no_mood
    assist_times: AssistTimes = field(default_factory=AssistTimes)
    base_url: str = ""
    secure_cookies: bool = False
