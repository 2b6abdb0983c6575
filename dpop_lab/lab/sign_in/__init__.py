"""A person played by the lab, and what can be done to their signing in."""
