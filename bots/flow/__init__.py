"""The flow language: its schema and its pure interpreter."""
