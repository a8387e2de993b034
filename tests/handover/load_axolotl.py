"""Reads configurations with Axolotl's own loader and its rows with its own data set code; prints both as JSON.

    python load_axolotl.py stage-1.yaml stage-2.yaml     # in the folder of the handover
"""

import json
import sys

from axolotl.cli.config import load_cfg
from axolotl.loaders import load_tokenizer
from axolotl.utils.data import prepare_datasets

KEYS = ["adapter", "lora_model_dir", "output_dir", "max_steps", "micro_batch_size", "gradient_accumulation_steps", "learning_rate"]
KEYS += ["warmup_steps", "lr_scheduler", "sample_packing", "curriculum_sampling", "val_set_size", "num_epochs", "weight_decay", "plugins"]


def main():
    stages = []
    for path in sys.argv[1:]:
        config = load_cfg(path)
        rows, evaluated, steps, _ = prepare_datasets(config, load_tokenizer(config))
        names = ("input_ids", "attention_mask", "labels")
        stages.append(
            {
                "config": {key: config[key] for key in KEYS},
                "fsdp": config.fsdp_config.to_dict() if config.fsdp_config else None,
                "evaluated": evaluated is not None,
                "steps": steps,
                "rows": [{name: row[name] for name in names} for row in rows],
            }
        )
    print("RESULT " + json.dumps(stages))


# Axolotl starts processes, which read this file again.
if __name__ == "__main__":
    main()
