"""The demo's server on a phone, on a board, or on this machine."""
