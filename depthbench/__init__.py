"""depthbench as a library, and what its four packages share: errors, files, child processes.

The public names are those of `__init__.pyi`; each is imported when it is used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
