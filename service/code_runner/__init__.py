"""Code Runner: an HTTP service that runs untrusted Python and returns what it printed."""

__version__ = "1.0.0"
