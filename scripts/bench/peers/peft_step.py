"""The peer of `phasetune bench step`: a LoRA step of transformers + PEFT on PyTorch, timed.

Random weights of a shape, held frozen in the compute type; adapters of rank 8 in float32 on all seven projections; AdamW;
no dropout; every position but the last of a row predicts the one after it. Prints one JSON line: median seconds of a
step (without the first few), tokens a second, peak memory, and the matrix product's speed in the same process. On a card
products are computed under autocast with attention by PyTorch's own (flash) kernels, the first 5 of 20 steps are left out,
and memory is what PyTorch's allocator held at most.

    python peft_step.py --shape smollm2-135m --batch 4 --seq 256 --dtype bfloat16 [--compile] [--checkpointing]
    python peft_step.py --device cuda --shape tinyllama-1.1b --batch 8 --seq 1024 [--compile] [--adapter-dtype bfloat16]

Used with torch 2.15.0, transformers 5.23.0, peft 0.21.2.
"""

import argparse
import contextlib
import statistics

from common import PROJECTIONS, SHAPES, matmul_gflops, now, peak_rss_mib, report, versions

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
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--adapter-dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--steps", type=int, help="8 on the processor, 20 on a card")
    parser.add_argument("--warm-up", type=int, help="steps that are not timed: 2 on the processor, 5 on a card")
    parser.add_argument("--compile", action="store_true", help="torch.compile, which takes minutes first")
    parser.add_argument("--checkpointing", action="store_true", help="recompute activations in the backward pass")
    a = parser.parse_args()
    on_card = a.device == "cuda"
    a.steps = a.steps or (20 if on_card else 8)
    a.warm_up = (5 if on_card else 2) if a.warm_up is None else a.warm_up
    if a.warm_up >= a.steps:
        parser.error(f"--warm-up {a.warm_up} leaves none of --steps {a.steps}")
    if on_card and not torch.cuda.is_available():
        parser.error("torch sees no card")
    return a


def autocast(device, dtype):
    """Mixed precision as trainers turn it on for a card; on a processor the step ran without it from the start."""
    if device == "cuda" and dtype == torch.bfloat16:
        return torch.autocast("cuda", dtype=dtype)
    return contextlib.nullcontext()


def main():
    a = arguments()
    dtype = getattr(torch, a.dtype)
    torch.manual_seed(0)
    # On a processor the library's default, which is the same kernel there.
    attention = dict(attn_implementation="sdpa") if a.device == "cuda" else {}
    with torch.device(a.device):
        base = LlamaForCausalLM(LlamaConfig(max_position_embeddings=2048, **SHAPES[a.shape], **attention)).to(dtype)
    params = sum(p.numel() for p in base.parameters())
    model = get_peft_model(base, LoraConfig(r=a.rank, lora_alpha=2 * a.rank, target_modules=PROJECTIONS)).to(a.device)
    if a.checkpointing:
        model.enable_input_require_grads()
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    adapters = [p for p in model.parameters() if p.requires_grad]
    adapter_dtype = getattr(torch, a.adapter_dtype)
    for p in adapters:
        p.data = p.data.to(adapter_dtype)
    optimizer = torch.optim.AdamW(adapters, lr=1e-4, **(dict(fused=True) if a.device == "cuda" else {}))
    ids = torch.randint(0, SHAPES[a.shape]["vocab_size"], (a.batch, a.seq)).to(a.device)
    step_model = torch.compile(model) if a.compile else model
    times = []
    for _ in range(a.steps):
        start = now(a.device)
        with autocast(a.device, dtype):
            loss = step_model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        times.append(now(a.device) - start)
    seconds = statistics.median(times[a.warm_up :])
    peak = peak_rss_mib()
    card = {}
    if a.device == "cuda":
        card = dict(card=torch.cuda.get_device_name(), peak_card_mib=torch.cuda.max_memory_allocated() >> 20)
    ceiling = matmul_gflops(dtype, device=a.device)
    report(
        peer="transformers+peft",
        device=a.device,
        **card,
        adapter_dtype=a.adapter_dtype,
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
