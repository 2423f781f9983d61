"""The store port's schema and its SQL implementation."""
