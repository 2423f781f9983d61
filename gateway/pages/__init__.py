"""Templates and static files of the desk and the public pages."""
