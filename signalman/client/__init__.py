"""A program's side of `signalman.v1`: connects, follows channels, and comes back by itself with nothing missed.

`connection.Client` is the only part that does I/O. `conversation` understands what one socket says, `cursor` knows
where the next one goes on, `ending` judges why one ended, `backoff` says when to come back. `tables` keeps rows
current, and `follow.Follower` does so for all that a client says.
"""
