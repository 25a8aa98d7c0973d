"""What several tests share beside fixtures: users of a board, child processes, databases laid out in bulk."""
