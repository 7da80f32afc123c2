"""ONNX model in, linked artefact for a named target out, compiled by Apache TVM."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
