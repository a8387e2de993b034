"""Opens model folders (and adapter folders) of ours in transformers (and PEFT) and compares the logits with files of ours.

Usage: python scripts/reference/check_open.py --case MODEL LOGITS [ADAPTER] [--case ...] [--tolerance 1e-4]
LOGITS is what `phasetune inspect logits` writes: `input_ids` [B, T] and `logits` [B, T, V]. Computes in float32 on the
processor. Prints a JSON line for each case {maxError, sameTop, parameters, problems} and exits with 1 when in one of them
a logit x of theirs differs by more than tolerance * (1 + |x|), a top token differs, or a weight was missing or left over.
(SmolLM2's logits reach 36: there torch's own float32 is 6e-5 away from its float64.)
Tried with Python 3.11, torch 2.15.0, transformers 5.23.0, peft 0.21.2, safetensors 0.8.0.
"""

import argparse
import json
import sys
import warnings

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM


def check(tolerance: float, model_folder: str, logits: str, adapter: str | None = None) -> dict:
    model, info = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32, output_loading_info=True)
    problems = [f"{kind}: {names}" for kind, names in info.items() if names]
    if adapter:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = PeftModel.from_pretrained(model, adapter)
        problems += [str(w.message) for w in caught if "adapter keys" in str(w.message)]
    ours = load_file(logits)
    with torch.no_grad():
        theirs = model.eval()(input_ids=ours["input_ids"].long()).logits
    difference = (theirs - ours["logits"]).abs()
    error = difference.max().item()
    same_top = bool((theirs.argmax(-1) == ours["logits"].argmax(-1)).all())
    if not bool((difference <= tolerance * (1 + theirs.abs())).all()):
        problems.append(f"logits differ by {error}")
    if not same_top:
        problems.append("top tokens differ")
    parameters = sum(p.numel() for p in model.parameters())
    return {"model": model_folder, "adapter": adapter, "maxError": error, "sameTop": same_top, "parameters": parameters, "problems": problems}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="+", action="append", required=True, metavar=("MODEL LOGITS", "ADAPTER"))
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()
    results = [check(options.tolerance, *case) for case in options.case]
    for result in results:
        print(json.dumps(result))
    return 1 if any(result["problems"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
