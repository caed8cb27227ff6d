"""Where Signalman touches other systems: each module implements a port, or helps one to, with its driver to itself.

Nothing is re-exported here, so that a process imports only the drivers it uses.
"""
