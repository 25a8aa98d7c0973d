"""Alerts: what a person should see to, raised by rules, once per subject, until it is resolved."""
