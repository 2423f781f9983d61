"""The company's rules as a file: read, checked as a whole, written, kept in versions."""
