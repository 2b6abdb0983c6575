"""Whatever was pasted, recognised and taken apart into requests and answers."""
