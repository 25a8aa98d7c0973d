"""The process screen's parts: how processes are looked at, what a row and the details say, and what is done to them."""
