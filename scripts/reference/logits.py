"""Reference logits of small Llama and Mistral decoders, by transformers in float32.

Writes tests/fixtures/logits/<case>/: config.json and model.safetensors (a model folder with fixed weights) and
expected.safetensors with `input_ids` [2, 24] and `logits` [2, 24, V]. Made with torch 2.15.0, transformers 5.23.0.

    python scripts/reference/logits.py
"""
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

OUT = Path(__file__).parents[2] / "tests/fixtures/logits"
SMALL = dict(vocab_size=53, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=2)
CASES = {
    "llama-grouped": (LlamaConfig, dict(head_dim=6, rms_norm_eps=1e-5, rope_parameters=dict(rope_type="default", rope_theta=500.0))),
    "llama-3-rope-tied-bias": (LlamaConfig, dict(head_dim=10, tie_word_embeddings=True, attention_bias=True, mlp_bias=True, rope_parameters=dict(
        rope_type="llama3", rope_theta=100.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16))),
    "llama-linear-rope": (LlamaConfig, dict(head_dim=6, num_key_value_heads=4, rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=4.0))),
    "llama-dynamic-rope": (LlamaConfig, dict(head_dim=6, max_position_embeddings=16, num_key_value_heads=1, rope_parameters=dict(
        rope_type="dynamic", rope_theta=10000.0, factor=2.0))),
    "mistral-window": (MistralConfig, dict(head_dim=8, sliding_window=5, rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
}

torch.manual_seed(7)
for name, (Config, extra) in CASES.items():
    config = Config(**{**SMALL, **extra})
    config._attn_implementation = "eager"
    Model = LlamaForCausalLM if Config is LlamaConfig else MistralForCausalLM
    model = Model(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            centre = 1.0 if parameter.ndim == 1 else 0.0  # norms about 1, but not 1; biases are moved off 0 too
            parameter.copy_(centre + 0.12 * torch.randn_like(parameter))
    ids = torch.randint(0, config.vocab_size, (2, 24))
    with torch.no_grad():
        logits = model(input_ids=ids, use_cache=False).logits
    folder = OUT / name
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    save_file(dict(input_ids=ids.to(torch.int32), logits=logits.contiguous()), folder / "expected.safetensors")
