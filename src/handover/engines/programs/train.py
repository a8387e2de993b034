"""Trains one stage of this handover with TRL, as `phasetune train` would.

    python train.py --stage 1
    python -m accelerate.commands.launch --config_file accelerate/fsdp2.yaml train.py --stage 1

It reads handover.json, the rows of the stage in their order and the adapter of the stage before, and writes
adapter-N (PEFT) and stage-N.json, each whole or not at all. Everything that TRL, transformers and accelerate would
decide by themselves is decided here; the comments say where their default is another.
"""

import argparse
import hashlib
import json
import math
import os
import platform
import shutil
import sys
import time
from datetime import datetime, timezone
from importlib.metadata import version

import torch
import transformers
from datasets import load_dataset
from peft import PeftModel
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

HERE = os.path.dirname(os.path.abspath(__file__))
ADAPTER_FILES = ("adapter_model.safetensors", "adapter_config.json")
NOT_TRAINED = -100
# Rows of one pass when the held-out loss is measured.
HELD_OUT_ROWS = 4


def main():
    options = read_options()
    record = read_json("handover.json")
    if (record["schema"], record["version"], record["engine"]) != ("phasetune/handover", 1, "trl"):
        stop("handover.json: expected a handover to TRL, version 1; was it made by a newer phasetune?")
    if not 1 <= options.stage <= len(record["stages"]):
        stop(f"--stage {options.stage}: the handover has stages 1 to {len(record['stages'])}")
    stage = record["stages"][options.stage - 1]
    adapter, report = os.path.join(HERE, stage["to"]), os.path.join(HERE, f"stage-{options.stage}.json")
    if (os.path.exists(adapter) or os.path.exists(report)) and not options.again:
        stop(f"{stage['to']} is there already; give --again to train stage {options.stage} again")
    given = check_inputs(record, stage)
    model_folder = options.model or os.environ.get("PHASETUNE_MODEL") or model_place(record)
    if not os.path.exists(os.path.join(model_folder, "config.json")):
        stop(f"{model_folder}: no model there (no config.json); give its folder by --model or PHASETUNE_MODEL")

    args = arguments(record)
    trainer, tokens = make_trainer(record, stage, args, model_folder)
    started, begin = now(), time.monotonic()
    steps = Steps(stage, tokens)
    trainer.add_callback(steps)
    trainer.train()
    if len(steps.made) != stage["steps"]:
        stop(f"stage {options.stage}: {len(steps.made)} steps were made, {stage['steps']} were planned; nothing was saved")
    held_out = {}
    if "holdout" in record and not options.skip_held_out:
        path = record["holdout"]["file"]["path"]
        held_out["after"] = held_out_loss(trainer, path)
        if options.stage == 1:
            # The base model, without the adapter.
            with trainer.model.disable_adapter():
                held_out["before"] = held_out_loss(trainer, path)
    output = save_adapter(trainer, adapter)
    if not trainer.is_world_process_zero():
        return
    write_json(
        report,
        {
            "schema": "phasetune/handover-stage",
            "version": 1,
            "stage": options.stage,
            "engine": "trl",
            "versions": versions(),
            "device": device_name(args),
            "processes": args.world_size,
            "distributed": trainer.accelerator.distributed_type.value,
            "precision": record["training"]["precision"],
            "rows": stage["file"]["sha256"],
            "input": {"path": stage["from"], "sha256": given},
            "output": {"path": stage["to"], "sha256": output},
            "trainable": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
            "started": started,
            "finished": now(),
            "seconds": time.monotonic() - begin,
            "steps": steps.made,
            **({"heldOut": held_out} if held_out else {}),
        },
    )
    print(f"stage {options.stage} of {len(record['stages'])}: {len(steps.made)} steps, {stage['to']} written")


def read_options():
    parser = argparse.ArgumentParser(description="Trains one stage of this handover with TRL.")
    parser.add_argument("--stage", type=int, required=True, help="number of the stage, from 1")
    parser.add_argument("--model", help="folder of the base model, where it is not where the handover was made")
    parser.add_argument("--again", action="store_true", help="train a stage again that is done")
    parser.add_argument("--skip-held-out", action="store_true", help="do not measure the loss of the held-out rows")
    return parser.parse_args()


def check_inputs(record, stage):
    """Compares rows and adapter with what was handed over; returns the hash of the adapter."""
    path = stage["file"]["path"]
    if sha256(os.path.join(HERE, path)) != stage["file"]["sha256"]:
        stop(f"{path}: changed since the handover was made; make it again")
    first = stage["stage"] == 1
    before = f"stage-{stage['stage'] - 1}.json"
    weights = os.path.join(HERE, stage["from"], ADAPTER_FILES[0])
    if not os.path.exists(weights) or not (first or os.path.exists(os.path.join(HERE, before))):
        stop(f"{stage['from']} is not there or not whole; train stage {stage['stage'] - 1} first")
    expected = record["firstAdapter"]["sha256"] if first else read_json(before)["output"]["sha256"]
    actual = sha256(weights)
    if actual != expected:
        stop(f"{stage['from']}: not the adapter that stage {stage['stage'] - 1} ended with (expected SHA-256 {expected})")
    return actual


def model_place(record):
    return os.path.join(record["begunIn"], record["inputs"]["model"]["path"])


def arguments(record):
    """The arguments of the trainer: steps as they were planned, and nothing beside them."""
    training = record["training"]
    on_card = torch.cuda.is_available()
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    together = processes * training["rowsPerProcess"]
    if training["rowsPerStep"] % together != 0:
        stop(
            f"a step has {training['rowsPerStep']} rows, which {processes} processes with {training['rowsPerProcess']} "
            f"rows each cannot share; start {training['processes']}, or make the handover again with --processes {processes}"
        )
    return SFTConfig(
        output_dir=os.path.join(HERE, ".trainer"),
        # Rows as they are, in their order, once. TRL cuts rows at 1024 tokens, transformers shuffles and takes 3 epochs.
        num_train_epochs=1,
        train_sampling_strategy="sequential",
        shuffle_dataset=False,
        max_length=None,
        packing=False,
        padding_free=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        dataloader_drop_last=False,
        per_device_train_batch_size=training["rowsPerProcess"],
        gradient_accumulation_steps=training["rowsPerStep"] // together,
        # The loss of a step is the mean over all its trained tokens, on whatever process they are.
        loss_type="nll",
        average_tokens_across_devices=True,
        label_smoothing_factor=0.0,
        # AdamW; the schedule is that of StageTrainer. TRL's rate would be 2e-5.
        optim="adamw_torch",
        learning_rate=training_rate(record),
        adam_beta1=training["betas"][0],
        adam_beta2=training["betas"][1],
        adam_epsilon=training["eps"],
        weight_decay=training["weightDecay"],
        max_grad_norm=training["maxGradNorm"],
        warmup_steps=0,
        # TRL switches bfloat16 and gradient checkpointing on.
        bf16=training["precision"] == "bfloat16",
        fp16=False,
        gradient_checkpointing=training["gradientCheckpointing"],
        gradient_checkpointing_kwargs={"use_reentrant": False} if training["gradientCheckpointing"] else None,
        # Nothing is saved, measured or sent anywhere on the way; every step is recorded as it is.
        save_strategy="no",
        eval_strategy="no",
        report_to="none",
        push_to_hub=False,
        logging_strategy="steps",
        logging_steps=1,
        logging_nan_inf_filter=False,
        seed=record["seed"] % 2**32,
        use_cpu=not on_card,
        ddp_backend=None if processes == 1 else "nccl" if on_card else "gloo",
        ddp_find_unused_parameters=False,
    )


def training_rate(record):
    return record["stages"][0]["schedule"]["learningRate"]


def make_trainer(record, stage, args, model_folder):
    """The trainer, and the trained tokens of each of the stage's steps."""
    training = record["training"]
    zero3 = args.deepspeed_plugin is not None and args.deepspeed_plugin.zero_stage == 3
    base = AutoModelForCausalLM.from_pretrained(
        model_folder,
        dtype=torch.bfloat16 if args.bf16 else torch.float32,
        attn_implementation=training["attention"],
    )
    base.config.use_cache = False
    # A trainer that is given an adapter trains it only if it was loaded to be trained. ZeRO-3 needs it in the base's type.
    model = PeftModel.from_pretrained(
        base, os.path.join(HERE, stage["from"]), is_trainable=True, autocast_adapter_dtype=not zero3
    )
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    if not trained or any("lora_" not in name for name in trained):
        stop(f"{stage['from']}: expected the adapter's matrices to be trained and nothing else, found {trained[:3]}")
    rows = load_dataset("json", data_files=os.path.join(HERE, stage["file"]["path"]), split="train")
    per_step = training["rowsPerStep"]
    if len(rows) != stage["steps"] * per_step:
        stop(f"{stage['file']['path']}: {len(rows)} rows, expected {stage['steps']} steps of {per_step}")
    counts = [sum(label != NOT_TRAINED for label in labels[1:]) for labels in rows["labels"]]
    tokens = [sum(counts[i : i + per_step]) for i in range(0, len(counts), per_step)]
    if args.gradient_checkpointing:
        model.enable_input_require_grads()
    trainer = StageTrainer(
        model=model,
        args=args,
        train_dataset=rows,
        processing_class=AutoTokenizer.from_pretrained(model_folder),
        # What a row is padded with is masked.
        data_collator=DataCollatorForLanguageModeling(pad_token_id=0),
    )
    trainer.schedule = stage["schedule"]
    return trainer, tokens


class StageTrainer(SFTTrainer):
    """SFTTrainer with the learning rates of the handover."""

    schedule = None

    def create_scheduler(self, num_training_steps, optimizer=None):
        rates = self.schedule
        share = lambda done: learning_rate(rates, rates["before"] + done + 1) / rates["learningRate"]
        self.lr_scheduler = LambdaLR(self.optimizer if optimizer is None else optimizer, share)
        return self.lr_scheduler


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


class Steps(TrainerCallback):
    """Records every step; ends the stage at a loss or gradient that is not finite."""

    def __init__(self, stage, tokens):
        self.stage, self.tokens = stage["stage"], tokens
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
        if not (math.isfinite(loss) and math.isfinite(norm)):
            stop(f"stage {self.stage}, step {step}: the loss is {loss}, the norm of the gradients {norm}; nothing was saved")


@torch.no_grad()
def held_out_loss(trainer, path):
    """Mean loss of the held-out rows in nats a trained token; the processes share them."""
    model, accelerator, device = trainer.model_wrapped, trainer.accelerator, trainer.args.device
    rows = list(load_dataset("json", data_files=os.path.join(HERE, path), split="train"))
    batches = [rows[i : i + HELD_OUT_ROWS] for i in range(0, len(rows), HELD_OUT_ROWS)]
    processes, rank = accelerator.num_processes, accelerator.process_index
    nats, tokens = 0.0, 0
    model.eval()
    for i in range(0, len(batches), processes):
        # All processes compute equally often, as FSDP needs it; what is beyond the end does not count.
        mine = i + rank < len(batches)
        batch = trainer.data_collator(batches[i + rank if mine else i])
        batch = {name: value.to(device) for name, value in batch.items()}
        labels = batch.pop("labels")[:, 1:].flatten()
        with accelerator.autocast():
            logits = model(**batch, use_cache=False).logits[:, :-1].flatten(0, 1)
        if mine:
            trained = labels != NOT_TRAINED
            # In float32 torch adds up a large vocabulary on the processor with an error of 2e-5 nats.
            nats += cross_entropy(logits[trained].double(), labels[trained], reduction="sum").item()
            tokens += trained.sum().item()
    model.train()
    sums = accelerator.gather(torch.tensor([[nats, tokens]], dtype=torch.float64, device=device)).sum(0)
    return (sums[0] / sums[1]).item()


def save_adapter(trainer, folder):
    """Writes the adapter beside its place and moves it there; returns the hash of its weights."""
    temporary = f"{folder}.tmp"
    if trainer.is_world_process_zero():
        shutil.rmtree(temporary, ignore_errors=True)
    trainer.accelerator.wait_for_everyone()
    # With FSDP and ZeRO all processes take part in this.
    trainer.save_model(temporary)
    trainer.accelerator.wait_for_everyone()
    if not trainer.is_world_process_zero():
        return None
    for name in os.listdir(temporary):
        if name not in ADAPTER_FILES:
            os.remove(os.path.join(temporary, name))
    for name in ADAPTER_FILES:
        if not os.path.exists(os.path.join(temporary, name)):
            stop(f"{temporary}: {name} was not written; the stage has no adapter")
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(temporary, folder)
    shutil.rmtree(trainer.args.output_dir, ignore_errors=True)
    return sha256(os.path.join(folder, ADAPTER_FILES[0]))


def versions():
    names = ("torch", "transformers", "peft", "trl", "accelerate", "datasets")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def device_name(args):
    return "cpu" if args.use_cpu else f"cuda: {torch.cuda.get_device_name()}"


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
    print(f"train.py: {problem}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    transformers.utils.logging.set_verbosity_error()
    main()
