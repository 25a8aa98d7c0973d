"""The ways in: what turns a person's words, an agent's call or a script's line into a call of an operation."""
