"""What the matrix of credentials, states and ways consists of: see `test_access_matrix`."""
