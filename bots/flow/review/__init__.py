"""A second reading of a flow: what will run, but not well."""
