"""One part at work on a real store and bus, in process."""
