"""RTP, codecs, jitter, pacing, bridging and recording."""
