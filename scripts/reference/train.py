"""Reference numbers for LoRA training: gradients of one batch and twenty AdamW steps, by transformers and PEFT.

Usage: python scripts/reference/train.py          (writes tests/fixtures/train/, about 190 kB; a few seconds)
Made with Python 3.11, torch 2.15.0, transformers 5.23.0, peft 0.21.2, safetensors 0.8.0, on a CPU in float32.

base/                 a small Llama (2 layers, 4 query and 2 key/value heads) with seeded weights
adapter/              PEFT's LoRA on all linear projections, A and B both non-zero
reference.json        rows, losses, learning rates, gradient norms
reference.safetensors `gradient.<name>`: gradients of `gradient_batch`; `final.<name>`: the adapter after the last step;
                      `logits.base`, `logits.adapter`: [T, V] for `logits_ids`
"""

import json
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, get_cosine_schedule_with_warmup

OUT = Path(__file__).parents[2] / "tests/fixtures/train"
VOCABULARY, STEPS, WARMUP, RATE, DECAY, CLIP = 112, 20, 4, 5e-3, 0.01, 1.0


def base_model() -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, tie_word_embeddings=False,
        bos_token_id=1, eos_token_id=2, pad_token_id=0, attn_implementation="eager",
    )  # fmt: skip
    model = LlamaForCausalLM(config).float().eval()
    source = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=source)
            p.copy_(1 + 0.2 * noise if p.ndim == 1 else noise * (1.0 if "embed" in name else 1.3 * p.shape[1] ** -0.5))
    return model


def rows(source: torch.Generator, count: int, shortest: int, longest: int) -> list[dict]:
    """Rows of different lengths, the first part (the prompt) not trained. Rows repeat a pattern, so that there is something to learn."""
    made = []
    for _ in range(count):
        length = int(torch.randint(shortest, longest + 1, (1,), generator=source))
        first = int(torch.randint(3, VOCABULARY, (1,), generator=source))
        stride = int(torch.randint(1, 4, (1,), generator=source))
        ids = [1] + [3 + (first + stride * i) % (VOCABULARY - 3) for i in range(length - 2)] + [2]
        prompt = int(torch.randint(1, length - 1, (1,), generator=source))
        made.append({"ids": ids, "mask": [int(i >= prompt) for i in range(length)]})
    return made


def sums(model, batch: list[dict]) -> torch.Tensor:
    """For each row the sum of the cross-entropy over its trained tokens."""
    length = max(len(row["ids"]) for row in batch)
    pad = lambda values: torch.tensor([v + [0] * (length - len(v)) for v in values])  # noqa: E731
    ids, mask = pad([row["ids"] for row in batch]), pad([row["mask"] for row in batch])
    real = pad([[1] * len(row["ids"]) for row in batch])
    logits = model(input_ids=ids, attention_mask=real).logits[:, :-1]
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), ids[:, 1:].reshape(-1), reduction="none")
    return (loss.reshape(len(batch), -1) * mask[:, 1:]).sum(-1)


trained = lambda batch: sum(sum(row["mask"]) for row in batch)  # noqa: E731


def gradients(model) -> dict[str, torch.Tensor]:
    return {name.replace(".default", ""): p.grad.clone() for name, p in model.named_parameters() if p.requires_grad}


def train(model, steps: list[list[list[dict]]]) -> list[dict]:
    """AdamW with clip, warm-up and cosine; the loss of a step is a sum over all its micro-batches divided once."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.999), eps=1e-8, weight_decay=DECAY)
    schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
    log = []
    for batches in steps:
        tokens = sum(trained(batch) for batch in batches)
        loss = 0.0
        for batch in batches:
            part = sums(model, batch).sum() / tokens
            part.backward()
            loss += part.item()
        norm = torch.nn.utils.clip_grad_norm_(parameters, CLIP).item()
        log.append({"loss": loss, "gradNorm": norm, "learningRate": optimizer.param_groups[0]["lr"]})
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return log


def save_adapter(model, folder: Path) -> None:
    """As PEFT writes it, but for the order of the target names, which PEFT draws anew in each run."""
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["target_modules"].sort()
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")


def main() -> None:
    torch.set_num_threads(1)
    base = base_model()
    base.save_pretrained(OUT / "base")
    (OUT / "base" / "generation_config.json").unlink(missing_ok=True)
    source = torch.Generator().manual_seed(12)
    logits_ids = rows(source, 1, 20, 20)[0]["ids"]
    logits = lambda model: model(input_ids=torch.tensor([logits_ids])).logits[0].detach().contiguous()  # noqa: E731
    tensors = {"logits.base": logits(base)}

    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, config)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.requires_grad:
                p.copy_(torch.randn(p.shape, generator=source) * (0.1 if "lora_B" in name else p.shape[1] ** -0.5))
    save_adapter(model, OUT / "adapter")
    tensors["logits.adapter"] = logits(model)

    batch = rows(source, 3, 6, 24)
    row_sums = sums(model, batch)
    (row_sums.sum() / trained(batch)).backward()
    tensors |= {f"gradient.{name}": g for name, g in gradients(model).items()}
    model.zero_grad()

    steps = [[rows(source, 2, 5, 24), rows(source, 2, 5, 24)] for _ in range(STEPS)]
    log = train(model, steps)
    tensors |= {f"final.{name}": p.contiguous() for name, p in get_peft_model_state_dict(model).items()}

    save_file(tensors, OUT / "reference.safetensors", metadata={"format": "pt"})
    options = {"steps": STEPS, "warmup": WARMUP, "learningRate": RATE, "weightDecay": DECAY, "clip": CLIP}
    reference = {
        "options": options,
        "logits_ids": logits_ids,
        "gradient_batch": {"rows": batch, "rowSums": row_sums.tolist()},
        "steps": [{"batches": batches, **entry} for batches, entry in zip(steps, log)],
    }
    (OUT / "reference.json").write_text(json.dumps(reference, separators=(",", ":")) + "\n")
    print([round(entry["loss"], 4) for entry in log], [round(entry["gradNorm"], 3) for entry in log])


if __name__ == "__main__":
    main()
