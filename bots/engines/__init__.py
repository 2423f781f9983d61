"""Speech engines behind the ports of bots.ports."""
