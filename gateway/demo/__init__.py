"""The demo company and its simulated public."""
