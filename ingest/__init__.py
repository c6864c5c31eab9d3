"""Brings readings in: MQTT, HTTP, logger files."""
