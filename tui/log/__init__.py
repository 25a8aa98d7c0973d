"""The log: what processes print, drawn by line from the places where it lies, however much it is."""
