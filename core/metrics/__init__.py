"""Metrics: the machine, the processes of the rooms and their boards, measured once a second and kept for a month."""
