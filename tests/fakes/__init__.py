"""Peers and ports that tests script."""
