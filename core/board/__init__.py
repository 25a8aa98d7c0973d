"""The rules of the board: which way a task may go, in which order, waiting for whom, how many at once."""
