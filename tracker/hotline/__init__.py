"""The hotline (119 extension 9): calls, the conversation in an operator's mouth, the ticket read out and sent, the log."""
