"""The distributor: domain, routing, bus and store. Imports no sibling package."""
