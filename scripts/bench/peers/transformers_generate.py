"""The peer of `phasetune bench decode`: greedy `generate` of transformers on PyTorch, timed.

Random weights of a shape answer prompts of equal length with exactly so many new tokens each; the prompts' own pass is part
of it. Prints one JSON line: median seconds of a call (the first left out), new tokens a second, peak memory, and the
matrix product's speed in the same process.

    python transformers_generate.py --shape smollm2-135m --rows 16 --prompt 64 --tokens 128 --dtype bfloat16 \\
      [--static [--compile]]

generate compiles by itself with a static cache on a card, but not on a processor (transformers 5.24,
_valid_auto_compile_criteria), so --compile compiles the forward pass as its guide on faster inference does. That takes
half a minute in the first call, which is left out.

Used with torch 2.15.0, transformers 5.24.0.
"""

import argparse
import statistics
import time

from common import SHAPES, matmul_gflops, peak_rss_mib, report, versions

import torch
from transformers import LlamaConfig, LlamaForCausalLM


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES, default="smollm2-135m")
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--prompt", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--static", action="store_true", help="the cache that transformers allocates once")
    parser.add_argument("--compile", action="store_true", help="torch.compile of the forward pass; needs --static")
    a = parser.parse_args()
    if a.compile and not a.static:
        parser.error("--compile needs --static: a cache that grows would be compiled for each length")
    return a


def main():
    a = arguments()
    dtype = getattr(torch, a.dtype)
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(max_position_embeddings=2048, **SHAPES[a.shape])).to(dtype).eval()
    # No answer ends early: there is no token that would end it.
    model.generation_config.eos_token_id = None
    if a.compile:
        model.forward = torch.compile(model.forward)
    ids = torch.randint(0, model.config.vocab_size, (a.rows, a.prompt))
    options = dict(
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=a.tokens,
        pad_token_id=0,
        cache_implementation="static" if a.static else "dynamic",
    )
    times = []
    with torch.inference_mode():
        for _ in range(a.repeats + 1):
            start = time.perf_counter()
            out = model.generate(ids, **options)
            times.append(time.perf_counter() - start)
            assert out.shape == (a.rows, a.prompt + a.tokens)
    seconds = statistics.median(times[1:])
    peak = peak_rss_mib()
    ceiling = matmul_gflops(dtype)
    report(
        peer="transformers generate",
        shape=a.shape,
        dtype=a.dtype,
        rows=a.rows,
        prompt=a.prompt,
        tokens=a.tokens,
        static=a.static,
        compile=a.compile,
        params=sum(p.numel() for p in model.parameters()),
        seconds=round(seconds, 4),
        tokens_per_s=round(a.rows * a.tokens / seconds, 1),
        peak_rss_mib=peak,
        first_seconds=round(times[0], 3),
        repeat_seconds=[round(t, 4) for t in times[1:]],
        matmul_gflops=round(ceiling, 1),
        versions=versions("torch", "transformers"),
    )


main()
