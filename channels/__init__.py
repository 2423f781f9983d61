"""Everything through which a customer reaches us."""
