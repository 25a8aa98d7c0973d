"""Logs: the output of processes read together and made safe to show, and the program's own log."""
