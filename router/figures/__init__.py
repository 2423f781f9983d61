"""Figures of the contact centre as running sums over facts (``router.kpi`` has the definitions)."""
