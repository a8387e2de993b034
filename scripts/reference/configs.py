"""Logits of one small set of weights under random contents of config.json, by transformers in float32.

Writes tests/fixtures/configs/: model.safetensors (the weights), cases.json (what the config.json of each case has besides the shapes, and the kind of transformers' exception
where it does not load it or does not run) and expected.safetensors with `input_ids` [1, 24] and `logits` [cases, 2, V], those of two
positions. Fields have values that transformers' Llama and Mistral classes know, old and new names of the rotary ones,
names of other models' fields, and notes. Made with torch 2.15.0, transformers 5.24.0.

    python scripts/reference/configs.py
"""
import json
import random
import shutil
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

OUT = Path(__file__).parents[2] / "tests/fixtures/configs"
CASES = 400
POSITIONS = [5, 23]
SHAPES = dict(vocab_size=13, hidden_size=16, intermediate_size=12, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=6)

transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
torch.manual_seed(11)
draw = random.Random(5)
one = draw.choice


def rope(names):
    """A group of rotary fields, its type under one of the names."""
    kind = one(["default", "linear", "dynamic", "llama3", "yarn", "longrope", "linear", "dynamic", "llama3"])
    group = {one(names): kind}
    if kind != "default" or draw.random() < 0.15: group["factor"] = one([1.0, 2.0, 4.0, 8])
    if kind == "llama3": group |= dict(low_freq_factor=1.0, high_freq_factor=4.0)
    if (kind in ("llama3", "yarn") and draw.random() < 0.7) or draw.random() < 0.1: group["original_max_position_embeddings"] = one([8, 16, 64])
    if draw.random() < 0.5: group["rope_theta"] = one([100.0, 10000.0, 500000.0])
    if draw.random() < 0.08: group["partial_rotary_factor"] = one([1.0, 0.5])
    if draw.random() < 0.05: group[one(["attention_factor", "beta_fast", "mscale", "alpha"])] = 2.0
    return group


ROTARY = {
    "rope_theta": lambda: one([100.0, 10000.0, 500000.0, 10000]),
    "rope_scaling": lambda: one([None, {}, rope(["type", "rope_type"]), rope(["type", "rope_type"]), rope(["rope_type"])]),
    "rope_parameters": lambda: one([None, rope(["rope_type"]), rope(["rope_type", "type"])]),
    "original_max_position_embeddings": lambda: one([8, 16, None]),
    "partial_rotary_factor": lambda: one([1.0, 0.5, None]),
    "max_position_embeddings": lambda: one([8, 16, 64, 2048]),
}
ATTENTION = {
    "sliding_window": lambda: one([4, 20, 4096, None]),
    "use_sliding_window": lambda: one([True, False, None]),
    "max_window_layers": lambda: one([1, 28]),
    "layer_types": lambda: one([None, ["full_attention"] * 2, ["sliding_attention"] * 2, ["full_attention", "sliding_attention"], ["full_attention"]]),
    "is_causal": lambda: one([True, False]),
    "attention_bias": lambda: one([False, False, True]),
    "num_key_value_heads": lambda: one([2, 4, None]),
    "head_dim": lambda: one([6, 4, None]),
}
OTHER = {
    "hidden_act": lambda: one(["silu", "swish", "gelu", "relu", "gelu_new"]),
    "rms_norm_eps": lambda: one([1e-5, 1e-6, 0.05]),
    "mlp_bias": lambda: one([False, False, True]),
    "attention_dropout": lambda: one([0.0, 0, 0.1]),
    "pretraining_tp": lambda: one([1, 2, 4]),
    "tie_word_embeddings": lambda: one([True, False]),
    "num_hidden_layers": lambda: one([2, 1]),
    "logit_scale": lambda: one([1, 0.5]),
    "embedding_multiplier": lambda: one([1.0, 12.0]),
    "residual_multiplier": lambda: 0.22,
    "final_logit_softcapping": lambda: one([None, 30.0]),
    "attn_logit_softcapping": lambda: one([None, 50.0]),
    "use_qk_norm": lambda: one([True, False]),
    "position_embedding_type": lambda: one(["alibi", None]),
    "no_rope_layers": lambda: one([[], [0, 1]]),
    "num_local_experts": lambda: one([0, 1, 8]),
    "rope_interleaved": lambda: one([True, False]),
    "mup_width_multiplier": lambda: 2,
}
NOTES = {
    "architectures": lambda: one([["LlamaForCausalLM"], None]),
    "use_cache": lambda: one([True, False]),
    "initializer_range": lambda: 0.02,
    "torch_dtype": lambda: one(["bfloat16", "float16", "float32"]),
    "dtype": lambda: "float32",
    "bos_token_id": lambda: 1,
    "eos_token_id": lambda: one([2, [2, 3], None]),
    "pad_token_id": lambda: one([0, None]),
    "transformers_version": lambda: "4.40.0",
    "_name_or_path": lambda: "somewhere/model",
    "unsloth_version": lambda: "2025.1",
    "temperature": lambda: 0.6,
    "do_sample": lambda: True,
    "chunk_size_feed_forward": lambda: one([0, 2]),
    "is_decoder": lambda: one([True, False]),
    "output_attentions": lambda: False,
    "id2label": lambda: {"0": "A", "1": "B"},
    "_attn_implementation_autoset": lambda: True,
}


def config():
    fields = dict(model_type=one(["llama", "mistral"]), **SHAPES)
    for pool, most in ((ROTARY, 3), (ATTENTION, 2), (OTHER, 1), (NOTES, 3)):
        for name in draw.sample(list(pool), draw.randint(0, most)):
            fields[name] = pool[name]()
    names = list(fields)
    draw.shuffle(names)
    return {name: fields[name] for name in names}


def differing(fields):
    """Those that differ from the shapes, which all have."""
    return {name: value for name, value in fields.items() if name not in SHAPES or value != SHAPES[name]}


model = LlamaForCausalLM(LlamaConfig(**SHAPES)).eval()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.copy_((1.0 if parameter.ndim == 1 else 0.0) + 0.3 * torch.randn_like(parameter))
OUT.mkdir(parents=True, exist_ok=True)
save_file({name: value.contiguous() for name, value in model.state_dict().items()}, OUT / "model.safetensors", metadata=dict(format="pt"))
ids = torch.randint(0, SHAPES["vocab_size"], (1, 24))

cases, logits = [], []
for _ in range(CASES):
    fields = config()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(OUT / "model.safetensors", folder)
        (Path(folder) / "config.json").write_text(json.dumps(fields))
        try:
            loaded, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
            if info["missing_keys"]: raise ValueError(f"missing {sorted(info['missing_keys'])[0]}")  # made at random by transformers
            with torch.no_grad():
                values = loaded.eval()(input_ids=ids, use_cache=False).logits[0, POSITIONS]
            cases.append(dict(config=differing(fields)))
        except Exception as error:
            values = torch.zeros(len(POSITIONS), SHAPES["vocab_size"])
            cases.append(dict(config=differing(fields), exception=type(error).__name__))
        logits.append(values)

lines = ",\n".join(json.dumps(case) for case in cases)
(OUT / "cases.json").write_text(f'{{"positions": {POSITIONS}, "shapes": {json.dumps(SHAPES)}, "cases": [\n{lines}\n]}}\n')
save_file(dict(input_ids=ids.to(torch.int32), logits=torch.stack(logits).contiguous()), OUT / "expected.safetensors")
print(len([c for c in cases if "exception" not in c]), "of", CASES, "run")
