"""The demo: a room with a small project in it, and agents who keep working on it as one watches."""
