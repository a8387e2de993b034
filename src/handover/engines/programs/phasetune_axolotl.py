"""Axolotl's plugin for this handover: what stage-N.yaml cannot say, and a report of each stage.

Axolotl divides the loss of a step by the trained tokens of each pass and process, and averages these means; where rows
are filled up, that is not the mean over all trained tokens. The plugin makes it that mean. It also sets the learning
rate of every step, checks rows and adapter before the training, and writes stage-N.json when the adapter is saved.
"""

import hashlib
import json
import math
import os
import platform
import sys
import time
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version

import torch
from axolotl.integrations.base import BasePlugin
from torch.optim.lr_scheduler import LambdaLR
from transformers import TrainerCallback

HERE = os.path.dirname(os.path.abspath(__file__))
WEIGHTS = "adapter_model.safetensors"
NOT_TRAINED = -100


class Stage(BasePlugin):
    """A stage of the handover, that of the folder which the configuration names as its output."""

    def register(self, cfg):
        self.record = read_json("handover.json")
        if (self.record["schema"], self.record["version"], self.record["engine"]) != ("phasetune/handover", 1, "axolotl"):
            stop("handover.json: expected a handover to Axolotl, version 1; was it made by a newer phasetune?")
        output = os.path.basename(os.path.normpath(cfg["output_dir"]))
        found = [stage for stage in self.record["stages"] if stage["to"] == output]
        if not found:
            stop(f"output_dir: {output} is the adapter of no stage of this handover")
        self.stage = found[0]
        if os.path.abspath(cfg["output_dir"]) != os.path.join(HERE, output):
            stop(f"output_dir: expected {os.path.join(HERE, output)}; start it in the folder of the handover")

    def pre_model_load(self, cfg):
        # A configuration can be read, and its rows prepared, before the stage before is trained.
        self.given = check_inputs(self.record, self.stage)
        self.begun, self.began = now(), time.monotonic()

    def get_training_args(self, cfg):
        # Axolotl counts tokens on each process alone, takes 2 steps for one step of warm-up, and hides losses that are not finite.
        return {
            "average_tokens_across_devices": True,
            "warmup_steps": 0,
            "logging_steps": 1,
            "logging_nan_inf_filter": False,
            "dataloader_drop_last": False,
            "ddp_find_unused_parameters": False,
        }

    def post_trainer_create(self, cfg, trainer):
        # The model divides by the trained tokens of the whole step. Axolotl takes that away from models that do it.
        trainer.model_accepts_loss_kwargs = True
        training, args = self.record["training"], trainer.args
        lines = args.world_size * args.per_device_train_batch_size * args.gradient_accumulation_steps
        if lines != training["rowsPerStep"]:
            stop(
                f"a step has {training['rowsPerStep']} rows; {args.world_size} processes with "
                f"{args.per_device_train_batch_size} rows each and {args.gradient_accumulation_steps} passes have {lines}"
            )
        rows = trainer.train_dataset
        if len(rows) != self.stage["steps"] * lines:
            stop(f"{self.stage['file']['path']}: {len(rows)} rows are left, expected {self.stage['steps']} steps of {lines}")
        counts = [sum(label != NOT_TRAINED for label in labels[1:]) for labels in rows["labels"]]
        tokens = [sum(counts[i : i + lines]) for i in range(0, len(counts), lines)]
        trained = [name for name, p in trainer.model.named_parameters() if p.requires_grad]
        if not trained or any("lora_" not in name for name in trained):
            stop(f"{self.stage['from']}: expected the adapter's matrices to be trained and nothing else, found {trained[:3]}")
        self.trainable = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
        self.processes, self.writes = args.world_size, trainer.is_world_process_zero()
        self.distributed = trainer.accelerator.distributed_type.value
        self.steps = Steps(self.stage["stage"], tokens)
        trainer.add_callback(self.steps)

    def create_lr_scheduler(self, cfg, trainer, optimizer, num_training_steps):
        rates = self.stage["schedule"]
        return LambdaLR(optimizer, lambda done: learning_rate(rates, rates["before"] + done + 1) / rates["learningRate"])

    def post_train_unload(self, cfg):
        """The adapter is saved."""
        if not self.writes:
            return
        number, made = self.stage["stage"], self.steps.made
        if len(made) != self.stage["steps"]:
            stop(f"stage {number}: {len(made)} steps were made, {self.stage['steps']} were planned")
        weights = os.path.join(HERE, self.stage["to"], WEIGHTS)
        if not os.path.exists(weights):
            stop(f"{weights}: was not written; the stage has no adapter")
        write_json(
            os.path.join(HERE, f"stage-{number}.json"),
            {
                "schema": "phasetune/handover-stage",
                "version": 1,
                "stage": number,
                "engine": "axolotl",
                "versions": versions(),
                "device": f"cuda: {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "cpu",
                "processes": self.processes,
                "distributed": self.distributed,
                "precision": self.record["training"]["precision"],
                "rows": self.stage["file"]["sha256"],
                "input": {"path": self.stage["from"], "sha256": self.given},
                "output": {"path": self.stage["to"], "sha256": sha256(weights)},
                "trainable": self.trainable,
                "started": self.begun,
                "finished": now(),
                "seconds": time.monotonic() - self.began,
                "steps": made,
            },
        )
        print(f"stage {number} of {len(self.record['stages'])}: {len(made)} steps, {self.stage['to']} written")


class Steps(TrainerCallback):
    """Records every step; ends the stage at a loss or gradient that is not finite."""

    def __init__(self, stage, tokens):
        self.stage, self.tokens = stage, tokens
        self.made = []
        self.time = time.monotonic()

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" not in logs or "learning_rate" not in logs:
            return
        loss, norm, step = float(logs["loss"]), float(logs.get("grad_norm", math.nan)), state.global_step
        self.made.append(
            {
                "step": step,
                "loss": loss,
                "learningRate": float(logs["learning_rate"]),
                "gradNorm": norm,
                "trainedTokens": self.tokens[step - 1],
                "seconds": time.monotonic() - self.time,
            }
        )
        self.time = time.monotonic()
        if not math.isfinite(loss):
            stop(f"stage {self.stage}, step {step}: the loss is {loss}; nothing was saved")


def learning_rate(schedule, step):
    """Of a step, from 1, of all `steps` of the schedule: 0 at the first step of a warm-up, as in transformers."""
    peak, warmup, steps, floor = (schedule[key] for key in ("learningRate", "warmupSteps", "steps", "minLrRatio"))
    done = step - 1
    if done < warmup:
        return peak * done / warmup
    progress = min(1.0, (done - warmup) / max(1, steps - warmup))
    if schedule["kind"] == "cosine":
        return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))
    if schedule["kind"] == "linear":
        return peak * (floor + (1 - floor) * (1 - progress))
    return peak


def check_inputs(record, stage):
    """Compares rows and adapter with what was handed over; returns the hash of the adapter."""
    path = stage["file"]["path"]
    if sha256(os.path.join(HERE, path)) != stage["file"]["sha256"]:
        stop(f"{path}: changed since the handover was made; make it again")
    first = stage["stage"] == 1
    before = f"stage-{stage['stage'] - 1}.json"
    weights = os.path.join(HERE, stage["from"], WEIGHTS)
    if not os.path.exists(weights) or not (first or os.path.exists(os.path.join(HERE, before))):
        stop(f"{stage['from']} is not there or not whole; train stage {stage['stage'] - 1} first")
    expected = record["firstAdapter"]["sha256"] if first else read_json(before)["output"]["sha256"]
    actual = sha256(weights)
    if actual != expected:
        stop(f"{stage['from']}: not the adapter that stage {stage['stage'] - 1} ended with (expected SHA-256 {expected})")
    return actual


def versions():
    found = {"python": platform.python_version()}
    for name in ("torch", "transformers", "peft", "axolotl", "accelerate", "datasets"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            pass
    return found


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return json.load(file)


def as_json(value):
    """Numbers that are not finite as the texts that phasetune reads them from."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def write_json(path, value):
    temporary = f"{path}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(as_json(value), file, indent=2, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def stop(problem):
    print(f"phasetune_axolotl: {problem}", file=sys.stderr)
    sys.exit(1)
