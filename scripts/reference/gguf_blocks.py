"""A GGUF file with a tensor of every block type, and what the Python package makes of it.

Run: python scripts/reference/gguf_blocks.py
Writes tests/fixtures/gguf/blocks.gguf and blocks.safetensors. Made with gguf 0.19.0, numpy 2.4, safetensors 0.8.0.

Blocks hold random bits (so every nibble, high bit and packed scale occurs); only their float16 scales are drawn so that they
are finite, some negative, some subnormal, one zero.
"""

from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T, GGUFWriter
from gguf.quants import dequantize
from safetensors.numpy import save_file

OUT = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "gguf"
# Where the float16 scales of a block begin.
SCALES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
ROWS, COLUMNS = 3, 512


def blocks(name: str, rng: np.random.Generator) -> np.ndarray:
    size, nbytes = GGML_QUANT_SIZES[T[name]]
    raw = rng.integers(0, 256, (ROWS * COLUMNS // size, nbytes), dtype=np.uint8)
    for at in SCALES[name]:
        scale = rng.normal(0, 0.1, len(raw)).astype(np.float16)
        scale[0], scale[1], scale[2] = 3e-7, -0.0, -2.5
        raw[:, at : at + 2] = scale.view(np.uint8).reshape(-1, 2)
    return raw.reshape(ROWS, -1)


def main() -> None:
    rng = np.random.default_rng(1)
    writer = GGUFWriter(OUT / "blocks.gguf", "llama")
    writer.add_string("test.text", "grüße\n\ufeff")
    writer.add_array("test.tokens", ["a", "\ufeff", "\ufeffb", "", "▁the"])
    writer.add_array("test.scores", [0.5, -1.25])
    writer.add_array("test.flags", [True, False])
    writer.add_uint64("test.big", 2**63 + 1)
    writer.add_int64("test.negative", -(2**40))
    writer.add_float64("test.double", 0.1)
    expected = {}
    for name in SCALES:
        raw = blocks(name, rng)
        writer.add_tensor(name, raw, raw_dtype=T[name])
        expected[name] = dequantize(raw, T[name])
    f32 = rng.normal(0, 1, (5, 7)).astype(np.float32)
    f32[0, :4] = np.nan, np.inf, -0.0, 1e-40
    writer.add_tensor("F32", f32)
    half = np.concatenate([f32.ravel(), [6e-8, 65504, -65504, 6.1e-5]]).astype(np.float16)
    writer.add_tensor("F16", half)
    bf16 = (f32.view(np.uint32) >> 16).astype(np.uint16)
    writer.add_tensor("BF16", bf16.view(np.uint8), raw_dtype=T.BF16)
    expected |= {"F32": f32, "F16": half.astype(np.float32), "BF16": dequantize(bf16.view(np.uint8), T.BF16)}
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file({k: np.ascontiguousarray(v, np.float32) for k, v in expected.items()}, OUT / "blocks.safetensors")


main()
