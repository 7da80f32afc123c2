"""Conditions as sentences, in plain text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.report.numbers import ABSENT, fixed, number, percent, significant
from depthbench.plural import counted
from depthnet.weights.origin import ImageNet, Random, Trained, Weights

KINDS = {
    "latency": "latency",
    "emulated cost": "emulated cost (not a latency)",
    "unknown time": "time of unknown origin (not a latency)",
}
SHORT = 10
"""Digits of a commit that tell it from others."""

SOURCES = {"shell": "", "demo": ", in the demo", "app": ", in an app"}


def source(record: Mapping[str, Any]) -> str:
    """What timed it; older records are of the shell."""
    return str(record.get("source", "shell"))


def device(record: Mapping[str, Any]) -> str:
    """The device's name, and what timed it there unless that was the shell."""
    name = str((record.get("device") or {}).get("name", "unknown"))
    return f"{name}{SOURCES.get(source(record), '')}"


def cores(record: Mapping[str, Any]) -> str:
    """The numbers of the cores that it was pinned to, or may have run on."""
    conditions = record.get("conditions") or {}
    before, after = (conditions.get(when) or {} for when in ("before", "after"))
    pinned, allowed = before.get("cpus"), after.get("cores") or before.get("cores")
    numbers = pinned or allowed
    if not isinstance(numbers, list) or not numbers:
        return "any"
    return " ".join(map(str, numbers))


def kind_in_words(record: Mapping[str, Any]) -> str:
    """What the times are."""
    return KINDS.get(record["kind"], str(record["kind"]))


def verdict(record: Mapping[str, Any]) -> str:
    """Whether the figures may be used; a quick look says so."""
    word = "valid" if record.get("valid") else "INVALID"
    return f"{word}, a quick look" if record.get("quick") and record["kind"] == "latency" else word


def sampling(record: Mapping[str, Any]) -> str:
    """How it was sampled, on what input, and by which clock."""
    conditions = record.get("conditions") or {}
    parts = [_amount(conditions.get("sampling"))]
    parts += [f"input {conditions['input']}"] if conditions.get("input") else []
    parts += [counted(conditions["threads"], "thread")] if conditions.get("threads") else []
    parts += [str(conditions["precision"])] if conditions.get("precision") else []
    parts += [f"time of {conditions['timer']}"] if conditions.get("timer") else []
    return "; ".join(parts)


def _amount(asked: Any) -> str:
    try:
        least = f"at least {counted(asked['samples'], 'sample')}"
        if asked["seconds"]:
            least += f" and {asked['seconds']:g} s"
        sessions = counted(asked["sessions"], "session")
        return f"{sessions} of {asked['warmup']} warm-up and {least}"
    except (TypeError, KeyError, ValueError):
        return "amount of sampling unknown"


def interval(record: Mapping[str, Any], name: str) -> str:
    """The 95 % interval of a statistic of a record, ` (33.5 to 33.9)`; empty where it has none."""
    intervals = record.get("intervals")
    found = intervals.get(name) if isinstance(intervals, Mapping) else None
    if not isinstance(found, list) or len(found) != 2 or None in map(number, found):
        return ""
    return f" ({significant(found[0])} to {significant(found[1])})"


def core(record: Mapping[str, Any]) -> str:
    """The core that a cost is estimated for."""
    estimate = record.get("estimate")
    if not estimate:
        return "Cortex-A76, without caches"
    return f"{estimate['core']}, {estimate['clock_ghz']:g} GHz"


def estimated(record: Mapping[str, Any]) -> str:
    """The milliseconds that a cost is estimated as, and their interval; a dash without."""
    found = record.get("estimate")
    if not found:
        return ABSENT
    return f"{significant(found['milliseconds'])} ({estimate_interval(record)})"


def estimate_interval(record: Mapping[str, Any]) -> str:
    """From which milliseconds to which."""
    found = record["estimate"]
    return f"{significant(found['low_ms'])} to {significant(found['high_ms'])}"


def sustained(record: Mapping[str, Any]) -> str:
    """From which rate to which a sustained run went, for how long, and when it was throttled."""
    run = record["sustained"]
    unit = "frames/s" if record["kind"] == "latency" else f"frames/s of {_whose(record)}"
    ratio, throttled = number(run["last_to_first"]), number(run["throttled_at_s"])
    lasted = fixed(run["seconds"], 0)
    if run["seconds"] < run["asked_s"]:
        lasted += f" of {fixed(run['asked_s'], 0)}"
    return (
        f"{significant(run['first_fps'])} {unit} in the first {fixed(run['edge_s'], 0, 's')}, "
        f"{significant(run['last_fps'])} in the last"
        f"{'' if ratio is None else f' ({ratio:.2f} times as many)'}, in {lasted} s; "
        + ("no throttling seen" if throttled is None else f"slower from {throttled:.0f} s on")
    )


def energy(record: Mapping[str, Any]) -> str:
    """Energy of an inference with its resolution and where it comes from, or why there is none."""
    found = record["sustained"]["energy"]
    if number(found.get("per_inference_mj")) is None:
        return f"not known: {found.get('absent') or 'not told'}"
    source = f"the battery's {found.get('source')}"
    if found.get("unit"):
        checked = "as its charge counter says" if found.get("checked") else "unchecked"
        source += f" in {found['unit']}, {checked}"
    whole = "the whole device" if record["kind"] == "latency" else _whose(record)
    step = number(found.get("resolution_mj"))
    return (
        f"{significant(found['per_inference_mj'])} mJ an inference"
        f"{'' if step is None else f', in steps of {significant(step)} mJ'} "
        f"({significant(found.get('mean_power_w'))} W of {whole}, idle included; by {source})"
    )


def _whose(record: Mapping[str, Any]) -> str:
    return "an emulator" if record["kind"] == "emulated cost" else "what may be an emulator"


def protocol(record: Mapping[str, Any]) -> str:
    """The protocol's rule, or where the record has none, its name and what it averages."""
    if record.get("protocol_rule"):
        return str(record["protocol_rule"])
    flip = "with" if record.get("flip") else "without"
    return f"{record['protocol']}, {flip} flip average, mean {record['averaging']}"


def conditions_in_short(record: Mapping[str, Any]) -> str:
    """Target, precision and threads: what a figure must never be read without."""
    conditions = record.get("conditions") or {}
    threads = conditions.get("threads")
    parts = [record.get("target"), conditions.get("precision")]
    parts += [counted(threads, "thread")] if threads else []
    return ", ".join(str(part) for part in parts if part)


def pairs(values: Any) -> str:
    """A mapping as `name value` pairs, nested ones in brackets, what is unknown left out."""
    if not isinstance(values, Mapping):
        return str(values or "unknown")
    known = {name: value for name, value in values.items() if value not in (None, [], {}, "")}
    return ", ".join(_pair(name, value) for name, value in known.items()) or "unknown"


def _pair(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        shown = f"({pairs(value)})"
    elif isinstance(value, bool):
        shown = "yes" if value else "no"
    else:
        items = value if isinstance(value, list) else [value]
        shown = " ".join(str(item) for item in items)
    return f"{str(name).replace('_', ' ')} {shown}"


def commit(git: Any, short: bool = False) -> str:
    """The commit, or its first digits, and whether the files differ from it."""
    if not isinstance(git, Mapping):
        return "not a git checkout"
    dirty = ", with uncommitted changes" if git.get("dirty") else ""
    named = str(git.get("commit"))
    return f"commit {named[:SHORT] if short else named}{dirty}"


def untrained(records: Iterable[Mapping[str, Any]]) -> bool:
    """Whether some record is of weights that were drawn at random, at least in part.

    Older records have only a phrase on their weights, which decides nothing.
    """
    return any(_origin_kind(record) in (Random.kind, ImageNet.kind) for record in records)


def trained(record: Mapping[str, Any]) -> bool:
    """Whether the record says that its weights were trained, or are those of a file."""
    return _origin_kind(record) in (Trained.kind, Weights.kind)


def _origin_kind(record: Mapping[str, Any]) -> Any:
    origin = record.get("origin")
    return origin.get("kind") if isinstance(origin, Mapping) else None


def depth_subject(record: Mapping[str, Any]) -> str:
    """What was measured: distances in pictures, or a video."""
    if record["kind"] == "calibration":
        return (
            f"{counted(record['points'], 'distance')} in {counted(record['pictures'], 'picture')}"
        )
    moves = "nothing moves" if record["deviation"] is not None else "beyond the motion"
    return f"{record['data']}, {counted(record['pairs'], 'pair')} of frames, {moves}"


def depth_result(record: Mapping[str, Any]) -> str:
    """The error of points left out, or how much depth changes from frame to frame."""
    if record["kind"] == "flicker":
        share = "depth" if record["share_of"] == "depth" else "the spread of depth"
        return (
            f"{percent(record['flicker'])} of {share} from frame to frame, "
            f"{percent(record['flicker_p95'])} in a pair of twenty"
        )
    if record["left_out_mae_m"] is None:
        return f"{record['fitted']} fitted; as many points as parameters tell no error"
    return (
        f"{record['fitted']} fitted; a point left out is off by "
        f"{fixed(record['left_out_mae_m'], 3)} m, {percent(record['left_out_rel'])}"
    )


FILTERS = (
    *(
        device,
        cores,
        kind_in_words,
        verdict,
        sampling,
        conditions_in_short,
        interval,
        protocol,
        pairs,
    ),
    *(commit, untrained, sustained, energy),
    *(core, estimated, depth_subject, depth_result),
)
"""What the templates of every format use."""
