"""What runs for a room: declarations, runners, backends, and the supervisor that keeps them as they are desired."""
