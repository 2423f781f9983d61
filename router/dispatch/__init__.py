"""The one active matcher and what it knows: ``dispatcher`` hears, ``view`` remembers."""
