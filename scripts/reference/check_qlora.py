"""Opens an adapter of ours, trained over weights in 4 bits, in PEFT, and compares the logits with a file of ours.

Usage: python scripts/reference/check_qlora.py MODEL ADAPTER LOGITS [--tolerance 1e-4]
LOGITS is what `phasetune inspect logits --load-in-4bit --adapter ADAPTER` writes: `input_ids` and `logits`. Computes in
float32 on the processor, and prints a JSON line for each base:
- `dequantized`: the layers' weights are what bitsandbytes' reference implementation makes of them (see nf4.py). A logit x
  may differ by tolerance * (1 + |x|).
- `bitsandbytes`: the base is loaded with `load_in_4bit`. Its library for the processor rounds scales otherwise, so only the
  top tokens are compared.
Exits with 1 where a key of the adapter was missing or left over, or a comparison failed.
Tried with Python 3.11, torch 2.15.0, transformers 5.24.0, peft 0.21.2, bitsandbytes 0.50.2.
"""

import argparse
import json
import sys
import warnings

import bitsandbytes.functional as F
import torch
from nf4 import reference_kernels
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

NEAREST = reference_kernels()["bitsandbytes::quantize_blockwise"]


def dequantized(weight):
    """What a matrix is once it was held as NF4 with double quantization."""
    _, plain = F.quantize_4bit(weight, blocksize=64, quant_type="nf4")
    codes, state = F.quantize_4bit(weight, blocksize=64, quant_type="nf4", compress_statistics=True)
    state.offset = plain.absmax.double().mean().float()
    state.absmax, _ = NEAREST(plain.absmax - state.offset, F.create_dynamic_map(), 256)
    return F.dequantize_4bit(codes, state).reshape(weight.shape)


def dequantized_base(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    layers = [module for module in model.model.layers.modules() if isinstance(module, torch.nn.Linear)]
    for module in layers:
        module.weight.data = dequantized(module.weight.data)
    return model, len(layers)


def bitsandbytes_base(folder):
    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float32,
    )
    model = AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=quantization, dtype=torch.float32, device_map="cpu"
    )
    return model, sum(type(module).__name__ == "Linear4bit" for module in model.modules())


def check(name, base, layers, adapter, ours, tolerance):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = PeftModel.from_pretrained(base, adapter).eval()
    problems = [str(each.message) for each in caught if "adapter keys" in str(each.message)]
    if layers == 0:
        problems.append("no layer is in 4 bits")
    with torch.no_grad():
        theirs = model(input_ids=ours["input_ids"].long()).logits.float()
    difference = (theirs - ours["logits"]).abs()
    same_top = bool((theirs.argmax(-1) == ours["logits"].argmax(-1)).all())
    if not same_top:
        problems.append("top tokens differ")
    if tolerance and not bool((difference <= tolerance * (1 + theirs.abs())).all()):
        problems.append(f"logits differ by {difference.max().item()}")
    largest = theirs.abs().max().item()
    return {"base": name, "layers": layers, "maxError": difference.max().item(), "largest": largest, "problems": problems}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("adapter")
    parser.add_argument("logits")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    given = parser.parse_args()
    ours = load_file(given.logits)
    results = [
        check("dequantized", *dequantized_base(given.model), given.adapter, ours, given.tolerance),
        check("bitsandbytes", *bitsandbytes_base(given.model), given.adapter, ours, None),
    ]
    for result in results:
        print(json.dumps(result))
    return 1 if any(result["problems"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
