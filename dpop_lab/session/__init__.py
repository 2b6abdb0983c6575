"""A session of a client: what each exchange carries, what can be asked of it, the whole told."""
