"""Dialogs: each asks one thing and returns what the person answered, or None."""
