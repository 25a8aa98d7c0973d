"""Widgets that several screens use; drawn by line where they can grow."""
