"""The services Rantai talks to, as fakes that listen on a real socket and check what the real ones check.

Each is a small ASGI app with a record of what it accepted. They answer in the documented shapes and refuse
wrong signatures, so that code that works here has at least spoken the protocol.
"""
