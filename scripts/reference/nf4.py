"""What bitsandbytes makes of some matrices as NF4 with double quantization: tests/fixtures/nf4.safetensors.

Run: python scripts/reference/nf4.py
Made with bitsandbytes 0.50.2, torch 2.15.0, numpy 2.4.6, safetensors 0.8.0 on the processor.

Of each matrix: `weight`; `codes`, two to a byte, the first in the high bits; `absmax`, one float32 for each 64 elements;
`offset`, their mean, rounded once, and `torch_offset`, as torch sums it, in an order that depends on the machine; `scales`, the absmax less their mean in 8 bits, and `largest`, one factor for each 256 of them;
`dequantized` in float32 and in bfloat16. `scales` are by bitsandbytes' reference ("default") implementation, which finds the
nearest of the 256 values as its kernels for cards do. `cpu_scales` are by its library for the processor, which since 0.50
rounds to steps of 2^-15 first; nothing else differs. `map` holds the 256 values.
"""

import importlib
from pathlib import Path

import bitsandbytes._ops as ops
import bitsandbytes.backends.default.ops as default_ops
import bitsandbytes.functional as F
import numpy as np
import torch
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "nf4.safetensors"


def reference_kernels():
    """The default implementations by name: where the processor has its own, no call leads to them."""
    found = {}
    real = ops.register_kernel

    def keep(name, device):
        def named(function):
            found[name] = function
            return function

        return named

    ops.register_kernel = keep
    importlib.reload(default_ops)
    ops.register_kernel = real
    return found


def matrices():
    rng = np.random.default_rng(7)
    normal = lambda *shape: rng.normal(0, 0.02, shape).astype(np.float32)
    table = F.get_4bit_type("nf4", device="cpu").numpy()
    middle = ((table[:-1] + table[1:]) / np.float32(2)).astype(np.float32)
    near = [middle, np.nextafter(middle, np.float32(2)), np.nextafter(middle, np.float32(-2)), table]
    ties = np.zeros((4, 64), np.float32)
    for row, sign in enumerate((1, -1, 1, -1)):
        values = np.concatenate([sign * each for each in near])
        ties[row, :62] = np.concatenate([[sign], values]) * (1 if row < 2 else 0.75)
    outlier = normal(8, 320)
    outlier[3, 17] = -40
    zeros = normal(6, 75)
    zeros[:2] = 0
    zeros[2, :20] = -0.0
    zeros[5, 20:] = 0
    tiny = normal(5, 128) * np.float32(1e-30)
    tiny[1] *= np.float32(1e-10)
    tiny[2:4] = [[1e-45], [-3e-39]]
    negative = -np.abs(normal(4, 192))
    large = normal(4, 100) * np.float32(1e38)
    even = np.sign(normal(5, 128)) * np.float32(0.25)
    return {
        "bfloat16": torch.tensor(normal(72, 576)).bfloat16().float(),
        "unaligned": torch.tensor(normal(41, 131)),
        "grouped": torch.tensor(normal(300, 64) * rng.uniform(0.1, 3, (300, 1)).astype(np.float32)),
        **{
            name: torch.tensor(value)
            for name, value in {
                "ties": ties,
                "zeros": zeros,
                "tiny": tiny,
                "large": large,
                "negative": negative,
                "outlier": outlier,
                "even": even,
                "one": np.float32([[0.3]]),
                "nothing": np.zeros((3, 64), np.float32),
            }.items()
        },
    }


def main():
    nearest = reference_kernels()["bitsandbytes::quantize_blockwise"]
    table = F.create_dynamic_map()
    out = {"map": table}
    for name, weight in matrices().items():
        codes, plain = F.quantize_4bit(weight, blocksize=64, quant_type="nf4")
        nested, state = F.quantize_4bit(weight, blocksize=64, quant_type="nf4", compress_statistics=True)
        assert torch.equal(codes, nested)
        torch_offset, state.offset = state.offset, plain.absmax.double().mean().float()
        state.absmax, state.state2 = F.quantize_blockwise(plain.absmax - state.offset, blocksize=256)
        scales, largest = nearest(plain.absmax - state.offset, table, 256)
        # The reference's last group, where it is not whole, is never below 1e-38.
        assert torch.equal(largest.clamp(min=1e-38), state.state2.absmax.clamp(min=1e-38))
        assert torch.equal(state.state2.code, table)
        of = {"weight": weight, "codes": codes, "absmax": plain.absmax, "offset": state.offset}
        of |= {"torch_offset": torch_offset, "scales": scales, "largest": state.state2.absmax, "cpu_scales": state.absmax}
        state.absmax = scales
        for state.dtype in (torch.float32, torch.bfloat16):
            kind = "dequantized" if state.dtype == torch.float32 else "dequantized_bfloat16"
            of[kind] = F.dequantize_4bit(nested, state).reshape(weight.shape)
        out |= {f"{name}.{part}": value.contiguous() for part, value in of.items()}
        print(name, tuple(weight.shape), int((scales != of["cpu_scales"]).sum()), "of", scales.numel(), "scales differ")
    save_file(out, OUT)


if __name__ == "__main__":
    main()
