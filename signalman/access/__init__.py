"""Who somebody is, and what it may read: credentials in, `Principal` and `Grant` out."""
