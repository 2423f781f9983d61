"""The bus port's codec and its two implementations."""
