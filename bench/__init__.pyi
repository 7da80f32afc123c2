from .accuracy.evaluate import measure_accuracy as measure_accuracy
from .compile_service import compile_for as compile_for
from .measure.latency import measure_on_device as measure_on_device
from .measure.request import MeasurementRequest as MeasurementRequest
from .measure.runtime_comparison import compare_runtimes as compare_runtimes
from .models import (
    Model as Model,
)
from .models import (
    resolve_model as resolve_model,
)
from .records.record import (
    append_record as append_record,
)
from .records.record import (
    new_record as new_record,
)
from .records.record import (
    read_records as read_records,
)
from .report.report import build_report as build_report
from .report.write import write_report as write_report
from .runtimes.base import Runtime as Runtime
from .runtimes.registry import open_runtime as open_runtime

__all__ = [
    "MeasurementRequest",
    "Model",
    "Runtime",
    "append_record",
    "build_report",
    "compare_runtimes",
    "compile_for",
    "measure_accuracy",
    "measure_on_device",
    "new_record",
    "open_runtime",
    "read_records",
    "resolve_model",
    "write_report",
]
