from . import (
    complexity as complexity,
)
from . import (
    zoo as zoo,
)
from .data import (
    data_folder as data_folder,
)
from .data import (
    open_dataset as open_dataset,
)
from .data.pair import (
    DepthDataset as DepthDataset,
)
from .data.pair import (
    DepthPair as DepthPair,
)
from .scoring.metrics import (
    Scores as Scores,
)
from .scoring.metrics import (
    score as score,
)
from .scoring.protocols import (
    PROTOCOLS as PROTOCOLS,
)
from .scoring.protocols import (
    Protocol as Protocol,
)
from .weights.pretrained import build as build

__all__ = [
    "PROTOCOLS",
    "DepthDataset",
    "DepthPair",
    "Protocol",
    "Scores",
    "build",
    "complexity",
    "data_folder",
    "open_dataset",
    "score",
    "zoo",
]
