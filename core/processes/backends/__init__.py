"""Where processes have their terminals: one module a backend, behind the protocol of core/processes/backend.py."""
