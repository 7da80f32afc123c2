"""Training in processes of its own: torchrun, kill -9, SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

DEADLINE_S = 120

# A network without batch norm and dropout: with them, processes differ from one process.
PROGRAM = """
import dataclasses, sys
from pathlib import Path
import torch
from torch import nn
from depthnet import zoo
from depthnet.network import DepthNetwork
from depthnet.training.distributed import join
from depthnet.training.loop import Trainer
from depthnet.training.recipe import Recipe
from depthnet.training.batches.samples import Samples
from depthnet.training.batches.data_split import TrainingData

class Encoder(nn.Conv2d):
    mean = std = (0.5, 0.5, 0.5)

class Network(DepthNetwork):
    def __init__(self):
        nn.Module.__init__(self)
        self.entry = dataclasses.replace(zoo.get("mobiledepth"), name="tiny", input_size=(32, 32))
        self.mean = self.std = (0.5, 0.5, 0.5)
        torch.manual_seed(0)
        self.encoder = Encoder(3, 8, 3, padding=1)
        self.output = nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, image):
        return self.output(torch.relu(self.encoder(image)))

torch.set_num_threads(1)
folder = Path(sys.argv[1])
generator = torch.Generator().manual_seed(0)
images = torch.randint(0, 256, (16, 3, 32, 32), generator=generator, dtype=torch.uint8)
depths = 1 + 4 * images.float().mean(dim=1, keepdim=True) / 255
data = TrainingData(Samples(tuple(map(str, range(16))), images, depths.half()), None, [])
recipe = Recipe(name="test", epochs=5, batch=4, optimizer="adam", learning_rate=1e-2, loss="l1",
                ema_decay=0.9)

with join() as world:
    def tell(moment):
        if world.leads:
            print(moment.done, flush=True)

    every = 0.0 if "--every-step" in sys.argv else 300.0
    trainer = Trainer(Network(), recipe, data, folder, world=world, progress=tell,
                      checkpoint_every_s=every)
    trainer.run()
    if world.leads:
        torch.save(trainer.network.state_dict(), folder / "weights.pt")
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("training") / "program.py"
    path.write_text(PROGRAM)
    return path


@pytest.fixture(scope="module")
def alone(program: Path) -> dict[str, torch.Tensor]:
    """The weights after a run in one process that nothing interrupts."""
    return train(program, program.parent / "alone")


def train(program: Path, folder: Path, *launcher: str) -> dict[str, torch.Tensor]:
    command = [sys.executable, *launcher, str(program), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stderr
    return torch.load(folder / "weights.pt", weights_only=True)


def test_two_processes_train_what_one_trains(
    program: Path, alone: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    together = train(program, tmp_path / "together", *torchrun)
    assert alone.keys() == together.keys()
    for key, weight in alone.items():
        np.testing.assert_allclose(together[key], weight, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("after", [3, 11])
def test_a_run_killed_with_sigkill_resumes_to_the_bit(
    program: Path, alone: dict[str, torch.Tensor], tmp_path: Path, after: int
) -> None:
    folder = tmp_path / "killed"
    command = [sys.executable, str(program), str(folder), "--every-step"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= after:
                process.kill()
                break
    assert process.returncode == -signal.SIGKILL
    assert not (folder / "weights.pt").exists()
    resumed = train(program, folder)
    for key, weight in alone.items():
        assert torch.equal(resumed[key], weight)


def test_sigterm_ends_the_command_with_a_checkpoint_and_it_goes_on_to_the_same_weights(
    tmp_path: Path, wait_until: Callable[[Callable[[], object], float], float]
) -> None:
    def command(folder: Path) -> list[str]:
        arguments = ["train", "mobiledepth", "--data", "rooms@6", "--held-out", "0.2"]
        arguments += ["--recipe", "better", "--epochs", "3", "--batch", "2", "--threads", "1"]
        return [sys.executable, "-m", "bench.cli", *arguments, "--json", "--out", str(folder)]

    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    done = subprocess.run(
        command(whole), env=environment, capture_output=True, text=True, timeout=DEADLINE_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["epochs"] == 3

    with subprocess.Popen(
        command(cut), env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        # The log is written when the first epoch ends, long before the second does.
        wait_until((cut / "log.csv").exists, DEADLINE_S)
        process.send_signal(signal.SIGTERM)
        _, complaint = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130
    assert complaint.strip().splitlines()[-1] == "depthbench: interrupted"
    assert not list(cut.glob("*.safetensors"))
    assert not list(cut.glob("*.part"))
    again = subprocess.run(
        command(cut), env=environment, capture_output=True, text=True, timeout=DEADLINE_S,
        check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["file"]["sha256"] == record["file"]["sha256"]
