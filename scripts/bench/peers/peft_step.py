"""The peer of `phasetune bench step`: a LoRA step of transformers + PEFT on PyTorch, timed.

Random weights of a shape, held frozen in the compute type; adapters of rank 8 in float32 on all seven projections; AdamW;
no dropout; every position but the last of a row predicts the one after it. Prints one JSON line: median seconds of a
step (the first two left out), tokens a second, peak memory, and the matrix product's speed in the same process.

    python peft_step.py --shape smollm2-135m --batch 4 --seq 256 --dtype bfloat16 [--compile] [--checkpointing]

Used with torch 2.15.0, transformers 5.23.0, peft 0.21.2.
"""

import argparse
import statistics
import time

from common import PROJECTIONS, SHAPES, matmul_gflops, peak_rss_mib, report, versions

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES, default="smollm2-135m")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--seq", type=int, default=256)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--compile", action="store_true", help="torch.compile, which takes minutes first")
    parser.add_argument("--checkpointing", action="store_true", help="recompute activations in the backward pass")
    return parser.parse_args()


def main():
    a = arguments()
    dtype = getattr(torch, a.dtype)
    torch.manual_seed(0)
    base = LlamaForCausalLM(LlamaConfig(max_position_embeddings=2048, **SHAPES[a.shape])).to(dtype)
    params = sum(p.numel() for p in base.parameters())
    model = get_peft_model(base, LoraConfig(r=a.rank, lora_alpha=2 * a.rank, target_modules=PROJECTIONS))
    if a.checkpointing:
        model.enable_input_require_grads()
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    adapters = [p for p in model.parameters() if p.requires_grad]
    assert all(p.dtype == torch.float32 for p in adapters), "adapters are trained in float32"
    optimizer = torch.optim.AdamW(adapters, lr=1e-4)
    ids = torch.randint(0, SHAPES[a.shape]["vocab_size"], (a.batch, a.seq))
    step_model = torch.compile(model) if a.compile else model
    times = []
    for _ in range(a.steps):
        start = time.perf_counter()
        loss = step_model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        times.append(time.perf_counter() - start)
    seconds = statistics.median(times[2:])
    peak = peak_rss_mib()
    ceiling = matmul_gflops(dtype)
    report(
        peer="transformers+peft",
        shape=a.shape,
        dtype=a.dtype,
        batch=a.batch,
        seq=a.seq,
        compile=a.compile,
        checkpointing=a.checkpointing,
        params=params,
        seconds=round(seconds, 4),
        tokens_per_s=round(a.batch * a.seq / seconds, 1),
        loss=round(loss.item(), 4),
        peak_rss_mib=peak,
        first_step_seconds=round(times[0], 3),
        step_seconds=[round(t, 4) for t in times],
        matmul_gflops=round(ceiling, 1),
        versions=versions("torch", "transformers", "peft"),
    )


main()
