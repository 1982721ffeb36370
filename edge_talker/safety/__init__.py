"""What is not said and not answered, and what does not stay: word lists, topics, personal data."""
