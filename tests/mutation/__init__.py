"""Mutation testing of the code that decides who may see what: `make mutate`."""
