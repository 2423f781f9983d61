"""Suites, simulated customers, benchmarks and reports."""
