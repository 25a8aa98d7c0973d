"""The board's own parts: what it shows of the state, what is being carried, what is on its way, how it is laid out."""
