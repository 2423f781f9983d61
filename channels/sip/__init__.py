"""SIP signalling (RFC 3261) over UDP."""
