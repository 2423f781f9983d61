// What the browser keeps between visits: the visitor's secret and lines not yet
// acknowledged. The transcript itself is not kept: a shared computer forgets it.

const KEY = "parley-chat";
const FRESH_MS = 24 * 3600 * 1000;

function read(store) {
  try {
    return JSON.parse(store.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function secret() {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Keep {
  constructor() {
    try {
      this.store = window.localStorage;
      this.store.getItem(KEY);
    } catch {
      const values = new Map(); // storage is blocked: this page only
      this.store = { getItem: (key) => values.get(key) ?? null, setItem: (key, value) => values.set(key, value) };
    }
  }

  get(name) {
    return read(this.store)[name];
  }

  set(values) {
    try {
      this.store.setItem(KEY, JSON.stringify({ ...read(this.store), ...values }));
    } catch {
      // A full storage must not stop the chat.
    }
  }

  get visitor() {
    const known = this.get("visitor");
    if (known) return known;
    const visitor = secret();
    this.set({ visitor });
    return visitor;
  }

  /** Lines that the server has not acknowledged, oldest first. */
  get unsent() {
    const since = Date.now() - FRESH_MS;
    return (this.get("unsent") ?? []).filter((line) => line.at > since);
  }

  addUnsent(line) {
    this.set({ unsent: [...this.unsent, line] });
  }

  dropUnsent(clientId) {
    this.set({ unsent: this.unsent.filter((line) => line.client_id !== clientId) });
  }
}

export function newClientId() {
  return secret().slice(0, 20);
}
