"""A program's side of `signalman.v1`: connects, follows channels, and comes back by itself.

`connection.Client` is the only part that does I/O. `conversation` understands what one socket says, `ending` judges why
it ended, `backoff` says when to come back.
"""
