from .api import (
    calibrate as calibrate,
)
from .api import (
    compare as compare,
)
from .api import (
    compile as compile,
)
from .api import (
    evaluate as evaluate,
)
from .api import (
    export as export,
)
from .api import (
    measure as measure,
)
from .api import (
    networks as networks,
)
from .api import (
    open_predictor as open_predictor,
)
from .api import (
    predict as predict,
)
from .api import (
    read_records as read_records,
)
from .api import (
    report as report,
)

__all__ = [
    "calibrate",
    "compare",
    "compile",
    "evaluate",
    "export",
    "measure",
    "networks",
    "open_predictor",
    "predict",
    "read_records",
    "report",
]
