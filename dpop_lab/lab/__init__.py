"""Where both sides meet the person."""
