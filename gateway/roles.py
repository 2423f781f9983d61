"""The roles a process can play; embedded it plays all of them."""

WEB = "web"
ROUTER = "router"
VOICE = "voice"
TEXT = "text"
MAIL = "mail"
OUTBOUND = "outbound"
ROLES = (WEB, ROUTER, VOICE, TEXT, MAIL, OUTBOUND)
