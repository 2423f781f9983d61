"""Load on the distributor with real processes, faults, and a verdict on what they left."""
