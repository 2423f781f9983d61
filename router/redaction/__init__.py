"""What must not be kept: found in any text, and replaced before it is stored."""
