"""The supervisor without the real workers."""
