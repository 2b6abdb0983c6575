"""What a server saw, told request by request: in the terminal, and on a page that grows."""
