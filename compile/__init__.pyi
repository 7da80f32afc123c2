from . import (
    precision as precision,
)
from . import (
    targets as targets,
)
from .artefact import (
    Artefact as Artefact,
)
from .artefact import (
    load_artefact as load_artefact,
)
from .pipeline import compile_model as compile_model
from .runtime.executable import HostModel as HostModel

__all__ = [
    "Artefact",
    "HostModel",
    "compile_model",
    "load_artefact",
    "precision",
    "targets",
]
