"""The core of Rantai: rooms on floors, each importing only what lies below it."""
