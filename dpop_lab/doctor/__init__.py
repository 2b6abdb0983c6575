"""From anything pasted, or anything a server saw, to what is wrong with it and what to do."""
