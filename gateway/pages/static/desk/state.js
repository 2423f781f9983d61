// What the desk knows, made from the socket's views. Newer versions win; lines are kept by number.

export class Desk {
  constructor() {
    this.cards = new Map();
    this.offers = new Map();
    this.unread = new Map();
    this.typing = new Map();
    this.me = null;
    this.selected = null;
    this.queues = [];
    this.pauses = [];
  }

  /** Apply a view; returns what changed, for the page to draw. */
  take(view) {
    const act = this[`take_${view.type.replaceAll("-", "_")}`];
    return act ? act.call(this, view) : null;
  }

  take_snapshot(view) {
    this.me = view.me;
    this.queues = view.queues;
    this.pauses = view.pause_codes;
    this.cards = new Map(view.work.map((card) => [card.id, card]));
    this.offers = new Map(view.offers.map((offer) => [offer.id, offer]));
    if (!this.cards.has(this.selected)) this.selected = view.work[0]?.id ?? null;
  }

  take_presence(view) {
    this.me = view.me;
  }

  take_offer(view) {
    this.offers.set(view.offer.id, view.offer);
  }

  take_offer_gone(view) {
    this.offers.delete(view.offer_id);
  }

  take_work(view) {
    const known = this.cards.get(view.card.id);
    if (known && known.version > view.card.version) return;
    const { beside } = view.card;
    const lines = mergeLines(known?.messages ?? [], view.card.messages);
    if (beside && known?.beside?.id === beside.id) beside.messages = mergeLines(known.beside.messages, beside.messages);
    this.cards.set(view.card.id, { ...view.card, messages: lines });
    this.selected ??= view.card.id;
  }

  take_work_gone(view) {
    const known = this.cards.get(view.interaction_id);
    if (!known || known.version > view.version) return;
    this.cards.delete(view.interaction_id);
    this.unread.delete(view.interaction_id);
    if (this.selected === view.interaction_id) this.selected = this.sorted()[0]?.id ?? null;
  }

  take_message(view) {
    for (const { beside } of this.cards.values()) {
      if (beside?.id === view.interaction_id) beside.messages = mergeLines(beside.messages, [view.message]);
    }
    const card = this.cards.get(view.interaction_id) ?? this.askedIn(view);
    if (!card) return;
    if (card.id === view.interaction_id) card.messages = mergeLines(card.messages, [view.message]);
    this.typing.delete(card.id);
    if (this.isNews(card, view) && (this.selected !== card.id || document.hidden)) {
      this.unread.set(card.id, (this.unread.get(card.id) ?? 0) + 1);
    }
  }

  /** Whether the line is the customer's, or a colleague's in a talk between us. */
  isNews(card, { interaction_id: id, message }) {
    if (message.author === "customer") return true;
    const betweenUs = card.parent_id !== null || card.id !== id;
    return betweenUs && message.author === "agent" && message.author_id !== this.me?.id;
  }

  /** My card whose question to a colleague this line belongs to. */
  askedIn(view) {
    return [...this.cards.values()].find(({ beside }) => beside?.kind === "question" && beside.id === view.interaction_id);
  }

  take_message_failed(view) {
    const line = this.cards.get(view.interaction_id)?.messages.find((one) => one.id === view.message_id);
    if (line) line.failed = view.reason;
  }

  take_typing(view) {
    this.typing.set(view.interaction_id, Date.now());
  }

  select(id) {
    this.selected = id;
    this.unread.delete(id);
  }

  get card() {
    return this.cards.get(this.selected) ?? null;
  }

  /** Conversations first, then wrap-ups; each oldest first. */
  sorted() {
    const rank = (card) => (card.state === "agent" ? 0 : 1);
    return [...this.cards.values()].sort(
      (a, b) => rank(a) - rank(b) || String(a.accepted_at).localeCompare(String(b.accepted_at)),
    );
  }
}

function mergeLines(known, fresh) {
  const lines = new Map(known.map((line) => [line.seq, line]));
  for (const line of fresh) lines.set(line.seq, { ...lines.get(line.seq), ...line });
  return [...lines.values()].sort((a, b) => a.seq - b.seq);
}
