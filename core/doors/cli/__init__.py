"""The command line: one click command an operation, derived from its declaration, and a few written by hand."""
