"""Outbound campaigns: the rules of calling, the list, the attempts and the runner."""
