"""Typed values in what people say and write, each with its place in the text. Pure."""
