"""Reference numbers for the optimizer: AdamW and gradient clipping of torch, learning-rate schedules of transformers.

Usage: python scripts/reference/optim.py          (writes tests/fixtures/optim/optim.json)
Made with Python 3.11, torch 2.15.0, transformers 5.24.0.
"""

import json
from pathlib import Path

import torch
from transformers import TrainingArguments, optimization

OUT = Path(__file__).parents[2] / "tests/fixtures/optim"
SHAPES = {"proj.lora_A.weight": [3, 5], "proj.weight": [4, 3], "norm.weight": [6], "proj.bias": [4]}
KEPT = ("norm.weight", "proj.bias")  # no decay


def adamw() -> dict:
    source = torch.Generator().manual_seed(5)
    draw = lambda scale: {n: torch.randn(s, generator=source) * scale for n, s in SHAPES.items()}  # noqa: E731
    parameters = {n: p.requires_grad_() for n, p in draw(1.0).items()}
    start = {n: p.tolist() for n, p in parameters.items()}
    groups = [
        {"params": [p for n, p in parameters.items() if n not in KEPT], "weight_decay": 0.1},
        {"params": [p for n, p in parameters.items() if n in KEPT], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.95), eps=1e-6)
    steps = []
    for i in range(6):
        # From vanishing to large gradients: eps and the clip both have to matter.
        gradients = draw([1e-7, 1e-3, 0.3, 5.0, 0.02, 40.0][i])
        raw = {n: g.tolist() for n, g in gradients.items()}
        for n, p in parameters.items():
            p.grad = gradients[n]
        norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), 2.0).item()
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * (i + 1)
        clipped = {n: p.grad.tolist() for n, p in parameters.items()}
        optimizer.step()
        steps.append(
            {
                "learningRate": 1e-2 * (i + 1),
                "gradients": raw,
                "norm": norm,
                "clipped": clipped,
                "parameters": {n: p.tolist() for n, p in parameters.items()},
                "exp_avg": {n: optimizer.state[p]["exp_avg"].tolist() for n, p in parameters.items()},
                "exp_avg_sq": {n: optimizer.state[p]["exp_avg_sq"].tolist() for n, p in parameters.items()},
            }
        )
    return {"betas": [0.9, 0.95], "eps": 1e-6, "weightDecay": 0.1, "clip": 2.0, "start": start, "steps": steps}


def schedules() -> list[dict]:
    out = []
    for total in (1, 2, 7, 40):
        for warmup in (0, 0.03, 0.1, 0.5, 1, 5):
            first = TrainingArguments(output_dir="unused", warmup_steps=warmup, use_cpu=True).get_warmup_steps(total)
            kinds = {
                ("cosine", 0.0): lambda s: optimization._get_cosine_schedule_with_warmup_lr_lambda(
                    s, num_warmup_steps=first, num_training_steps=total, num_cycles=0.5),
                ("cosine", 0.1): lambda s: optimization._get_cosine_schedule_with_warmup_lr_lambda(
                    s, num_warmup_steps=first, num_training_steps=total, num_cycles=0.5, min_lr_rate=0.1),
                ("linear", 0.0): lambda s: optimization._get_linear_schedule_with_warmup_lr_lambda(
                    s, num_warmup_steps=first, num_training_steps=total),
                ("constant", 0.0): lambda s: optimization._get_constant_schedule_with_warmup_lr_lambda(
                    s, num_warmup_steps=first),
            }  # fmt: skip
            for (kind, floor), factor in kinds.items():
                factors = [factor(step) for step in range(total)]
                out.append({"schedule": kind, "minLrRatio": floor, "warmup": warmup, "steps": total, "factors": factors})
    return out


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "optim.json").write_text(json.dumps({"adamw": adamw(), "schedules": schedules()}) + "\n")
