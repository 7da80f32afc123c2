"""A TVM RPC server on a phone or on an emulated one, and sessions with it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
