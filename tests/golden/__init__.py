"""Golden conversations: whole calls on virtual time, through the real parts, in milliseconds."""
