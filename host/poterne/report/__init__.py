"""What is concluded, and what is told of it: records and statements."""
