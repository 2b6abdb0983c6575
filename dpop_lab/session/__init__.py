"""A session of a client: what each exchange carries, and the whole told."""
