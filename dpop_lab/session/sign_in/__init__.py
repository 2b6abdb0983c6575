"""Sign-ins: who asks for what, whose browser goes where, what becomes of what they bring."""
