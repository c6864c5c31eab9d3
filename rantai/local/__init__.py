"""A private PostgreSQL and a private Mosquitto for the demo and the tests.

Nothing of the system's own servers is touched: own data, own ports on 127.0.0.1, own passwords.
"""
