"""What happened, in order: append in the transaction, number after the commit, read from a cursor."""
