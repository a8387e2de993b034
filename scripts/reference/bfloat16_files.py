"""A safetensors file of every float type with values that rounding to bfloat16 goes wrong at, and what torch makes of them.

Run: python scripts/reference/bfloat16_files.py
Writes tests/fixtures/safetensors/bfloat16.safetensors. Made with safetensors 0.8.0, torch 2.15.0.

For each type T of f64, f32, f16, bf16 there is `T`, an odd number of elements, and `T.bfloat16`, the same as torch rounds it.
NaN is left out: its payload is nobody's to promise.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "safetensors" / "bfloat16.safetensors"
torch.manual_seed(5)


def odd(x: torch.Tensor) -> torch.Tensor:
    """Both signs, without NaN, one element more where the number is even."""
    x = torch.cat([x, -x])
    x = x[~x.isnan()]
    return x if len(x) % 2 else torch.cat([x, x[:1]])


# Every bfloat16 there is below infinity, its upper neighbour in float32, the midpoint to the next, and the midpoint's neighbours.
exact = torch.tensor([*range(0, 0x7F80, 37), 0x7F7F, 0x7F80]) << 16
f32 = torch.cat([exact + d for d in (0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF)]).to(torch.int32).view(torch.float32)
# Midpoints that only a double can miss: torch goes by way of float32, so these are ties, not just above or below.
middle = ((torch.arange(0x3F00, 0x4000, dtype=torch.int64) << 16) + 0x8000).to(torch.int32).view(torch.float32).double()
f64 = torch.cat([middle * (1 + 2**-40), middle * (1 - 2**-40), torch.randn(500).double(), torch.tensor([1e39, 1e-46, 5e-324, 1e308])])
f16 = torch.arange(0, 0x7C01, 7, dtype=torch.int16).view(torch.float16)
bf16 = torch.arange(0, 0x7F81, 13, dtype=torch.int16).view(torch.bfloat16)

tensors = {}
for name, values in {"f64": f64, "f32": f32, "f16": f16, "bf16": bf16}.items():
    tensors[name] = odd(values)
    tensors[f"{name}.bfloat16"] = tensors[name].bfloat16().clone()
save_file(tensors, OUT)
OUT.chmod(0o644)
