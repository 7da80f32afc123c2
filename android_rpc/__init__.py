"""A TVM RPC server on a phone or on an emulated one, and sessions with it."""
