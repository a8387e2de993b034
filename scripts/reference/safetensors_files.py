"""A safetensors file written by the Python package, with the values that conversions go wrong at.

Run: python scripts/reference/safetensors_files.py
Writes tests/fixtures/safetensors/{types,rounded}.safetensors. Made with safetensors 0.8.0, torch 2.15.0, numpy 2.4.6.

`types` holds the same numbers in each type. `rounded` holds float32 bit patterns (all float32 exponents, both signs,
values just beside and at the midpoints between neighbours) and what torch rounds them to.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "safetensors"
OUT.mkdir(parents=True, exist_ok=True)
torch.manual_seed(2)

x = torch.randn(3, 5)
x[0] = torch.tensor([float("inf"), -float("inf"), 0.0, -0.0, 6e-8])
save_file(
    {"f64": x.double(), "f32": x, "f16": x.half(), "bf16": x.bfloat16(), "i64": torch.arange(-3, 4), "i32": torch.arange(-3, 4).int(),
     "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 4), "u8": torch.arange(7).byte()},
    OUT / "types.safetensors", {"who": "torch", "note": "grüße"},
)  # fmt: skip

exponents = torch.arange(0, 255, dtype=torch.int64).repeat_interleave(14) << 23
fractions = torch.tensor([0, 1, 0x7FFF, 0x8000, 0x8001, 0x17FFF, 0x18000, 0x18001, 0xFFF, 0x1000, 0x1001, 0x3000, 0x7FFFFF, 0x7FEFFF]).repeat(255)
bits = torch.cat([exponents | fractions, torch.randint(0, 0x7F800000, (2000,)), torch.tensor([0x7F800000])])
bits = torch.cat([bits, bits | 1 << 31])
values = bits.to(torch.uint32).view(torch.float32)
# Every float16 there is, widened, with 0 for NaN: only the hash is kept.
halves = np.nan_to_num(np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32), nan=0, posinf=np.inf, neginf=-np.inf)
digest = hashlib.sha256(halves.tobytes()).hexdigest()
save_file({"f32": values, "f16": values.half(), "bf16": values.bfloat16()}, OUT / "rounded.safetensors", {"halves": digest})
for f in OUT.iterdir():
    f.chmod(0o644)
