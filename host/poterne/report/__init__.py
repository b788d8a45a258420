"""What a report is told in: statements, and the keys of the messages that say them."""
