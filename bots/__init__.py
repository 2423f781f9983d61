"""The handlers that answer first."""
