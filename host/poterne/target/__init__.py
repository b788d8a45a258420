"""What was typed, and the forms of names and addresses. Text in, records out: nothing is asked."""
