"""The agent's socket: presence, offers, conversations, live from the store and the bus."""
