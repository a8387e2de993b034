"""The peer of `phasetune bench train`: one epoch of TRL's SFTTrainer with a PEFT adapter over real rows, timed.

Random weights of a shape and the real tokenizer of a model folder: speed is compared, not quality. Prints one JSON line:
seconds of the training loop, tokenising left out; answer tokens a second, counted as the product counts them; peak memory.

    python trl_sft.py --tokenizer MODEL_DIR --data ROWS.jsonl --rows 96 [--by-length | --packing] [--dtype bfloat16]

ROWS.jsonl holds PhasedSFT rows: {"id", "score", "data": [instruction, answer]}. --packing is TRL's default strategy (bfd): it
lays a batch end to end, and transformers masks what is between rows, so no row sees another, also without flash
attention. Checkpointing, TRL's default, is off, since it only costs time here. Mixed precision over float32 weights
(TRL's own bf16=True) is slower than bfloat16 weights are, by 6 %, and takes more memory.

Used with torch 2.15.0, transformers 5.24.0, peft 0.21.2, trl 1.16.0, datasets 5.2.0.
"""

import argparse
import json
import tempfile
import time

from common import SHAPES, peak_rss_mib, report, versions

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from trl import SFTConfig, SFTTrainer


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rows", type=int, default=96)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--max-length", type=int, default=512)
    batches = parser.add_mutually_exclusive_group()
    batches.add_argument("--packing", action="store_true", help="rows laid end to end instead of padded")
    batches.add_argument("--by-length", action="store_true", help="rows of similar length share a batch: less padding")
    parser.add_argument("--shape", choices=SHAPES, default="smollm2-135m")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
    return parser.parse_args()


def read_rows(path, count):
    with open(path, encoding="utf-8") as lines:
        pairs = [json.loads(line)["data"] for line in lines][:count]
    return [dict(prompt=f"User: {question}\nAssistant: ", completion=answer) for question, answer in pairs]


def main():
    a = arguments()
    tokenizer = AutoTokenizer.from_pretrained(a.tokenizer)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    rows = read_rows(a.data, a.rows)
    count = lambda text: len(tokenizer(text).input_ids) + 1  # and the end token  # noqa: E731
    answer_tokens = sum(count(row["completion"]) for row in rows)
    all_tokens = sum(count(row["prompt"] + row["completion"]) for row in rows)
    torch.manual_seed(0)
    shape = SHAPES[a.shape]
    shape = {**shape, "vocab_size": max(shape["vocab_size"], len(tokenizer))}
    model = LlamaForCausalLM(LlamaConfig(max_position_embeddings=2048, **shape)).to(getattr(torch, a.dtype))
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=model,
            processing_class=tokenizer,
            train_dataset=Dataset.from_list(rows),
            peft_config=LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"),
            args=SFTConfig(
                output_dir=folder,
                per_device_train_batch_size=a.batch,
                num_train_epochs=1,
                max_length=a.max_length,
                packing=a.packing,
                train_sampling_strategy="group_by_length" if a.by_length else "random",
                learning_rate=1e-4,
                bf16=False,
                gradient_checkpointing=False,
                use_cpu=True,
                logging_steps=1000,
                save_strategy="no",
                report_to=[],
            ),
        )
        start = time.perf_counter()
        outcome = trainer.train()
        seconds = time.perf_counter() - start
    report(
        peer="trl",
        shape=a.shape,
        dtype=a.dtype,
        rows=len(rows),
        batch=a.batch,
        max_length=a.max_length,
        packing=a.packing,
        by_length=a.by_length,
        steps=outcome.global_step,
        seconds=round(seconds, 2),
        answer_tokens=answer_tokens,
        answer_tokens_per_s=round(answer_tokens / seconds, 1),
        tokens_per_s=round(all_tokens / seconds, 1),
        loss=round(outcome.training_loss, 4),
        peak_rss_mib=peak_rss_mib(),
        versions=versions("torch", "transformers", "peft", "trl", "datasets"),
    )


main()
