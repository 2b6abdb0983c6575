"""What goes over a wire: messages, URLs, challenges, and their spellings without secrets."""
