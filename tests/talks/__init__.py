"""Conversations of all kinds, through the code of all four channels (``evals/talks``)."""
