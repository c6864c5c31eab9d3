"""The desk of a session: who came, what screening said, and the dose."""
