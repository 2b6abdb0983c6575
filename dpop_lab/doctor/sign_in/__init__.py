"""What is wrong with a sign-in, and what a person is told of its requests."""
