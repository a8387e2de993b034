"""What the peers share: the shapes, the matrix product of the same process, peak memory, versions. Imported first."""

import importlib.metadata
import json
import os
import resource
import statistics
import time

# torch does not use OpenBLAS, numpy may: a core type set for another program would slow it.
os.environ.pop("OPENBLAS_CORETYPE", None)

import torch  # noqa: E402


def _shape(width, layers, heads, kv_heads, mlp, vocabulary, tied):
    return dict(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        intermediate_size=mlp,
        vocab_size=vocabulary,
        tie_word_embeddings=tied,
    )


# The same as in src/bench/shapes.ts.
SHAPES = {
    "tiny-10m": _shape(256, 6, 8, 4, 688, 8192, True),
    "small-33m": _shape(512, 8, 8, 8, 1376, 8192, False),
    "smollm2-135m": _shape(576, 30, 9, 3, 1536, 49152, True),
    "smollm2-360m": _shape(960, 32, 15, 5, 2560, 49152, True),
    "tinyllama-1.1b": _shape(2048, 22, 32, 4, 5632, 32000, False),
}

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def peak_rss_mib():
    """High-water mark of this process's memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def now(device="cpu"):
    """Seconds on a steady clock, after what was handed to a card has been computed."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def matmul_gflops(dtype, size=1024, chain=8, calls=9, seconds=3, device="cpu"):
    """Median speed of a chain of square products, as `phasetune bench matmul` measures it.

    The weight lies as in a linear layer: without instructions for bfloat16 torch multiplies several times as fast that way.
    Where products are slow, fewer calls do, at least one after the first.
    """
    spread = size**-0.5
    weight = (torch.randn(size, size) * spread).to(device, dtype)
    times = []
    with torch.inference_mode():
        while len(times) < 2 or (len(times) <= calls and sum(times) < seconds):
            x = weight
            start = now(device)
            for _ in range(chain):
                x = torch.nn.functional.linear(x, weight)
            times.append(now(device) - start)
    return 2 * size**3 * chain / statistics.median(times[1:]) / 1e9


def versions(*packages):
    return {name: importlib.metadata.version(name) for name in packages}


def report(**figures):
    """Prints the one JSON line, last on standard output."""
    print(json.dumps(figures), flush=True)
