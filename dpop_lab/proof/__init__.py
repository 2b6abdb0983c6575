"""RFC 9449 section 4: the proof and the rules it is held to."""
