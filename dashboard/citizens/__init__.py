"""What citizens see: find, book, ticket."""
