"""An option that has nothing to do is refused; no option of any command is ignored in silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from bench.cli import cli, command_groups

Run = Callable[..., tuple[int, str, str]]

IN_EVERY_MODE = """
models: --json
complexity: NAME --json
paper: TABLE --records --json
train: --plan --threads --device --out --json
prune: MODEL --budget --precision --data --held-out --neighbours --teacher --step --finalists
    --brief-pairs --epochs --seed --threads --out --records --json
export: NAME --output --weights --size --json
quantise: MODEL --data --images --output --card --range --mean --std --bgr --size --input-shape
    --meaning --out --json
eval: MODEL --video --limit --runtime --threads --records --sheet --card --range --mean --std --bgr
    --size --input-shape --meaning --output --out --json
calibrate: MODEL IMAGE --point --object --points --fit --intrinsics --fov --card-output --write-onnx
    --runtime --threads --records --card --range --mean --std --bgr --size --input-shape --meaning
    --output --out --json
check: MODEL --gate --junit --summary --update --reason --out --json
predict: INPUT --model --runtime --device --threads --output --format --flip --card --range --mean
    --std --bgr --size --input-shape --meaning --depth-output --out --json
demo: MODEL --device --threads --precision --card --range --mean --std --bgr --size --input-shape
    --meaning --no-open --records --out --json
compile: MODEL --target --precision --threads --output --card --range --mean --std --bgr --size
    --input-shape --meaning --untuned --dump-ir --force --out --json
tune: MODEL --target --minutes --seed --threads --precision --input-shape --tuned --out --json
package: MODEL --target --precision --threads --weights --output --card --range --mean --std --bgr
    --size --input-shape --meaning --untuned --force --out --json
rpc-measure: ARTEFACT --device --everywhere --cores --threads --warmup --samples --seconds
    --sessions --session-limit --quick --profile --sustained --accuracy --card --range --mean --std
    --bgr --size --input-shape --meaning --output --records --out --json
phone doctor: --device --json
rpc-tracker: --host --port --json
rpc-serve: --tracker --key --name --device --cores --threads --listen --json
cost: MODEL --precision --threads --peers --core --clock --kernels --card --range --mean --std --bgr
    --size --input-shape --records --out --json
compare: MODEL --runtimes --device --threads --card --range --mean --std --bgr --size --input-shape
    --out --json
sweep: PLAN --model --size --precision --threads --runtime --device --no-score --best --at-least
    --at-most --workers --ray --dry-run --output --out --json
diff: A B --json
profile: MODEL --precision --threads --input-shape --inferences --plot --out --json
report: RECORDS --output --json
history: MODEL --records --output --json
quickstart: NAME --data --limit --out --json
"""
"""What has something to do whatever else is said. `train` and `sweep` refuse more themselves."""

CARD = (
    ("--card", "dpt"),
    ("--range", "0", "255"),
    ("--mean", "0", "0", "0"),
    ("--std", "1", "1", "1"),
    ("--bgr",),
    ("--size", "32", "32"),
    ("--input-shape", "image=1x3x32x32"),
    ("--meaning", "metres"),
)

REFUSED: list[tuple[tuple[str, ...], tuple[tuple[str, ...], ...], str]] = [
    (
        ("eval", "MODEL", "--video", "FRAMES"),
        (
            *(("--data", "rooms"), ("--split", "test"), ("--protocol", "eigen")),
            *(("--sheet", "sheet.png"), ("--sheet-images", "8")),
        ),
        "a video has no depth to score",
    ),
    (("eval", "MODEL"), (("--static",),), "it is of a video"),
    (("eval", "MODEL"), (("--sheet-images", "4"),), "no sheet is drawn"),
    (
        ("check",),
        (
            *(("--against", "b.json"), ("--data", "rooms"), ("--split", "test"), ("--limit", "2")),
            *(("--protocol", "eigen"), ("--precision", "fp32"), ("--output", "depth"), *CARD),
        ),
        "no MODEL is named",
    ),
    (("check", "--gate", "latency"), (("--baseline", "b.json"),), "no gate judges accuracy"),
    (("check", "--gate", "latency"), (("--counts", "b.json"),), "no gate judges instructions"),
    (("check", "--gate", "accuracy"), (("--records", "r.jsonl"),), "no gate judges latency"),
    (
        ("check", "--gate", "latency", "--update", "--reason", "new"),
        (("--records", "r.jsonl"),),
        "no gate judges latency",
    ),
    (
        ("check", "MODEL", "--against", "b.json"),
        (("--baseline", "b.json"), ("--counts", "b.json")),
        "they are of the shipped networks",
    ),
    (
        ("check", "MODEL", "--against", "b.json", "--update"),
        (("--junit", "j.xml"), ("--summary", "s.md"), ("--strict",)),
        "--update checks nothing",
    ),
    (
        ("check", "MODEL", "--against", "b.json", "--update", "--gate", "latency"),
        (
            *(("--data", "rooms"), ("--split", "test"), ("--limit", "2"), ("--protocol", "eigen")),
            *(("--precision", "fp32"), ("--output", "depth"), *CARD),
        ),
        "no gate judges",
    ),
    (
        ("check", "MODEL", "--against", "ACCURACY", "--data", "rooms"),
        (("--records", "r.jsonl"), ("--precision", "fp32")),
        "ACCURACY holds accuracy",
    ),
    (("predict", "PICTURE"), (("--seconds", "3"),), "no INPUT is a video or camera"),
    (
        ("predict", "PICTURE", "--format", "npy"),
        (("--colours", "inferno"), ("--near", "1"), ("--far", "2"), ("--side-by-side",)),
        "no colours are drawn",
    ),
    (
        ("predict", "PICTURE", "--model", "MODEL", "--format", "npy"),
        (("--fov", "60"), ("--intrinsics", "9", "9", "4", "4")),
        "no point cloud is written",
    ),
    (
        ("demo", "MODEL", "--device", "host"),
        (("--cores", "0"), ("--here",)),
        "the demo is on this machine",
    ),
    (
        ("demo", "MODEL", "--device", "host"),
        (("--fov", "60"),),
        "no MODEL was calibrated at a focal length",
    ),
    (
        ("calibrate", "MODEL", "PICTURE", "--object", "1,1,5,5=width:0.3", "--fov", "60"),
        (("--ray",),),
        "no distance was measured",
    ),
    (("compile", "MODEL", "--untuned"), (("--tuned", "t.json"),), "takes no tuned choices"),
    (
        ("compile", "MODEL", "--target", "arm64-a76", "--precision", "fp16"),
        (("--allow-growth",),),
        "only fp32 is computed by minimal filtering",
    ),
    (
        ("compile", "MODEL", "--target", "host"),
        (("--allow-growth",),),
        "weights for this machine may grow without it",
    ),
    (("package", "MODEL", "--untuned"), (("--tuned", "t.json"),), "takes no tuned choices"),
    (("cost", "MODEL"), (("--model", "MODEL"),), "no MODEL is a compiled model"),
    (
        ("rpc-measure", "MODEL", "--device", "emulated"),
        (("--model", "MODEL"),),
        "no ARTEFACT is a compiled model",
    ),
    (
        ("rpc-measure", "MODEL", "--device", "emulated"),
        (("--data", "rooms"), ("--protocol", "eigen")),
        "no accuracy is scored",
    ),
    (("compare", "MODEL"), (("--cores", "0"),), "they are those of a device"),
    (
        ("compare", "MODEL", "--device", "emulated"),
        (("--rounds", "9"), ("--cores", "0"), ("--answer-limit", "9")),
        "one inference is counted",
    ),
    (
        ("sweep", "--model", "MODEL", "--no-score", "--dry-run"),
        (("--data", "rooms"), ("--protocol", "eigen"), ("--limit", "2")),
        "--no-score scores no accuracy",
    ),
    (
        ("train", "--plan", "plan.toml"),
        (
            *(("mobiledepth",), ("--data", "rooms"), ("--recipe", "paper"), ("--epochs", "1")),
            *(("--batch", "1"), ("--learning-rate", "1"), ("--set", "a=1"), ("--loss", "l1")),
            *(("--encoder", "e.pth"), ("--weights", "w.pth"), ("--teacher", "t.pth")),
            *(("--unlabelled", "photos"), ("--share", "1"), ("--input-size", "64")),
            *(("--held-out", "0.1"), ("--fill-holes",), ("--seed", "0")),
        ),
        "a plan says its network",
    ),
    (("train",), (("--rehearse",),), "only plans are rehearsed"),
    (("tune", "MODEL"), (("--device", "emulated"),), "the target host is tuned on this machine"),
]
CASES = [(base, option, why) for base, options, why in REFUSED for option in options]
ELSEWHERE = {("tune", "--device")}
"""What the function that a command calls refuses."""


def leaves() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by what calls it."""
    context = click.Context(cli)
    for name in command_groups.COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", one) for inner, one in command.commands.items())
        else:
            yield name, command


def written(command: click.Command) -> set[str]:
    """The names of a command's own parameters, as a test says them."""
    context = click.Context(command)
    return {
        max(one.opts, key=len)
        if isinstance(one, click.Option)
        else one.make_metavar(context).strip("[].")
        for one in command.params
    } - {"--verbose", "--debug"}


def test_every_option_has_something_to_do_in_every_mode_or_is_refused() -> None:
    """One that is new is added above: to those of every mode, or to a case in which it is not."""
    entries = " ".join(IN_EVERY_MODE.split("\n    ")).strip().splitlines()
    always = {
        name: set(words.split()) for name, _, words in (one.partition(": ") for one in entries)
    }
    refused: dict[str, set[str]] = {}
    for (name, *_), (option, *_), _ in CASES:
        refused.setdefault(name, set()).add(option if option[0] == "-" else "NAME")
    for name, command in leaves():
        assert written(command) - refused.get(name, set()) <= always[name], name
        assert always[name] <= written(command), name


@pytest.fixture
def places(depth_model: Path, tmp_path: Path) -> dict[str, str]:
    """Files that cases name in capitals."""
    picture = tmp_path / "picture.png"
    Image.fromarray(np.full((8, 12, 3), 90, np.uint8)).save(picture)
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(2):
        Image.fromarray(np.full((8, 12, 3), 90, np.uint8)).save(frames / f"{number}.png")
    return {
        **{"MODEL": str(depth_model), "PICTURE": str(picture), "FRAMES": str(frames)},
        "ACCURACY": str(tmp_path / "accuracy.json"),
    }


@pytest.mark.parametrize(("base", "option", "why"), CASES)
def test_it_is_refused_in_one_line(
    run: Run,
    places: dict[str, str],
    base: tuple[str, ...],
    option: tuple[str, ...],
    why: str,
) -> None:
    def fill(word: str) -> str:
        return places.get(word, word)

    if "ACCURACY" in base:
        code, _, err = run(
            *("check", places["MODEL"], "--data", "rooms", "--limit", "1", "--gate", "accuracy"),
            *("--against", places["ACCURACY"], "--update"),
        )
        assert code == 0, err
    code, out, err = run(*map(fill, (*base, *option)))
    assert (code, out) == (2, "")
    (line,) = [one for one in err.splitlines() if one.startswith("depthbench: ")]
    assert why.replace("ACCURACY", places["ACCURACY"]) in line
    if (base[0], option[0]) not in ELSEWHERE:
        shown = option[0] if option[0][0] == "-" else "NAME"
        assert line.startswith(f"depthbench: {shown}: nothing to do, since ")


def test_several_are_named_in_one_line(run: Run, places: dict[str, str]) -> None:
    arguments = ("--video", places["FRAMES"], "--split", "train", "--sheet-images", "3")
    code, _, err = run("eval", places["MODEL"], *arguments)
    assert code == 2
    assert err.splitlines()[-1] == (
        "depthbench: --split, --sheet-images: nothing to do, since a video has no depth to score; "
        "leave them out"
    )


def test_what_is_not_given_is_not_refused(run: Run, places: dict[str, str]) -> None:
    data = ("--data", "rooms", "--limit", "1")
    code, out, err = run("eval", places["MODEL"], *data, "--json")
    assert code == 0, err
    assert json.loads(out)["images"] == 1
