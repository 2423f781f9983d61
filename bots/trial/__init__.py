"""A flow tried by whoever writes it, before a customer meets it."""
