"""The world outside Rantai, played over the wire: fridges, staff, citizens, outside services.

Nothing here imports the tracker. A simulated fridge speaks MQTT as a real logger does, simulated staff
speak HTTP as a phone does, so what works here works for them. Everything is decided by a seed and by the
instant it is asked for: the same world asked about the same instant gives the same answer.
"""
