"""Tiny GGUF models with a tokenizer inside, and what the Python world makes of them.

Run: python scripts/reference/gguf_models.py
Writes tests/fixtures/gguf/{smollm,pieces}.gguf (whole models), {gpt-2,tekken}.gguf (tokenizer only),
llama-bpe.gguf (a model with Llama 3's rotary scaling), {smollm,pieces}.safetensors (the weights before they were made GGUF) and tokens.json (texts and their ids).
Made with gguf 0.19.0, transformers 5.23.0, tokenizers 0.23.3, sentencepiece 0.2.3, torch 2.15.0.

Where the expected ids come from: `smollm` from the tokenizer that was trained (digits one by one, then GPT-2's
splitting: the definition in SmolLM2's tokenizer.json, and llama.cpp's for this name; transformers' own GGUF reader
leaves the digits out), `gpt-2`, `llama-bpe` and `tekken` from transformers' GGUF reader, `pieces` from SentencePiece
itself.
"""

import io
import json
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from gguf import GGMLQuantizationType as Q
from gguf import GGUFWriter, RopeScalingType, TokenType
from gguf.quants import dequantize, quantize
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

OUT = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "gguf"
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
WORDS = """the a red green small large boat house river garden teacher child writes reads counts carries finds shows nine
ten 2024 1,250 3.14 because when it's don't we'll quickly slowly über straße naïve café = + { } ( ) def return print
""".split()


def corpus(lines: int) -> list[str]:
    rng = np.random.default_rng(3)
    return [" ".join(rng.choice(WORDS, rng.integers(3, 14))) + rng.choice([".", "!", "?\n", "  \n\n", " ..."]) for _ in range(lines)]


TEXTS = [
    "the small boat, 2024.", " leading space", "  two leading spaces", "trailing space ", "a\nb\n\nc", "tabs\tand  runs   of spaces",
    "In 2024   12 boats cost 1,250.50", "  42", "\n7\n 8", "x=3;y = 44", "It's DON'T we'll I'M", "über die Straße naïve café",
    "日本語のテキスト と数字 ３４", "Привет, мир!", "مرحبا", "🙂👍🏽 ok", "def f(x):\n    return x + 1\n", "a" * 40, "", " ", "\n",
    "e\u0301 \u00a0 \u2003 wide", "\ufefffirst", "½ ² Ⅻ", *corpus(40),
]  # fmt: skip


def byte_tokenizer() -> Tokenizer:
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tok.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tok.train_from_iterator(corpus(2000), trainers.BpeTrainer(vocab_size=400, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False))
    return tok


def put_byte_tokenizer(w: GGUFWriter, tok: Tokenizer, pre: str) -> None:
    model = json.loads(tok.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(pre)
    w.add_token_list(tokens)
    w.add_token_types([TokenType.CONTROL if t in SPECIAL else TokenType.NORMAL for t in tokens])
    w.add_token_merges([" ".join(m) for m in model["merges"]])
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_unk_token_id(0)
    w.add_pad_token_id(2)
    w.add_chat_template(TEMPLATE)


def pieces() -> sentencepiece.SentencePieceProcessor:
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(t.strip() for t in corpus(2000)), model_writer=out, vocab_size=500, model_type="bpe", byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True, allow_whitespace_only_pieces=True,
        unk_id=0, bos_id=1, eos_id=2, pad_id=-1, minloglevel=2, hard_vocab_limit=False)  # fmt: skip
    return sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())


def put_pieces(w: GGUFWriter, sp: sentencepiece.SentencePieceProcessor) -> None:
    def kind(i: int) -> TokenType:
        if sp.is_unknown(i):
            return TokenType.UNKNOWN
        return TokenType.CONTROL if sp.is_control(i) else TokenType.BYTE if sp.is_byte(i) else TokenType.NORMAL

    ids = range(sp.vocab_size())
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    w.add_token_list([sp.id_to_piece(i) for i in ids])
    w.add_token_scores([sp.get_score(i) for i in ids])
    w.add_token_types([kind(i) for i in ids])
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_unk_token_id(0)


NAMES = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output", "input_layernorm": "attn_norm", "q_proj": "attn_q",
         "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output", "post_attention_layernorm": "ffn_norm", "gate_proj": "ffn_gate",
         "up_proj": "ffn_up", "down_proj": "ffn_down"}  # fmt: skip


def permute(x: np.ndarray, heads: int) -> np.ndarray:
    """The order of rows in which llama.cpp keeps rotated heads (convert_hf_to_gguf.py)."""
    return x.reshape(heads, 2, x.shape[0] // heads // 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)


def put_model(w: GGUFWriter, model, types: dict[str, Q]) -> dict[str, np.ndarray]:
    c = model.config
    w.add_context_length(c.max_position_embeddings)
    w.add_block_count(c.num_hidden_layers)
    w.add_embedding_length(c.hidden_size)
    w.add_feed_forward_length(c.intermediate_size)
    w.add_head_count(c.num_attention_heads)
    w.add_head_count_kv(c.num_key_value_heads)
    w.add_layer_norm_rms_eps(c.rms_norm_eps)
    w.add_rope_freq_base(c.rope_parameters["rope_theta"])
    w.add_rope_dimension_count(c.head_dim)
    expected = {}
    for name, value in model.named_parameters():
        x = value.detach().numpy()
        part = name.split(".")[-2]
        heads = {"q_proj": c.num_attention_heads, "k_proj": c.num_key_value_heads}.get(part)
        kind = types.get(part, Q.F32)
        stored = quantize(permute(x, heads) if heads else x, kind)
        prefix = f"blk.{name.split('.')[2]}." if ".layers." in name else ""
        w.add_tensor(f"{prefix}{NAMES[part]}.{name.split('.')[-1]}", stored, raw_dtype=kind)
        # Quantising goes along rows, so it commutes with their order.
        expected[name] = dequantize(quantize(x, kind), kind)
    return expected


def finish(w: GGUFWriter) -> None:
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def main() -> None:
    torch.manual_seed(5)
    tok = byte_tokenizer()
    ids = {"smollm": [tok.encode(t).ids for t in TEXTS]}
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 256}
    llama = LlamaForCausalLM(LlamaConfig(**size, num_key_value_heads=2, vocab_size=tok.get_vocab_size(), tie_word_embeddings=True,
                                         rms_norm_eps=1e-5, rope_theta=100000.0, initializer_range=0.2, attention_bias=True))  # fmt: skip
    for p in llama.parameters():
        torch.nn.init.normal_(p, std=0.2)
    w = GGUFWriter(OUT / "smollm.gguf", "llama")
    put_byte_tokenizer(w, tok, "smollm")
    expected = put_model(w, llama, {"embed_tokens": Q.Q8_0, "q_proj": Q.Q4_1, "down_proj": Q.Q4_1, "up_proj": Q.F16, "gate_proj": Q.BF16})
    finish(w)
    save_file(expected, OUT / "smollm.safetensors")
    opened = AutoModelForCausalLM.from_pretrained(OUT, gguf_file="smollm.gguf", dtype=torch.float32).state_dict()
    assert all(np.array_equal(opened[k].float().numpy(), v) for k, v in expected.items() if "bias" not in k)

    rope = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192}  # fmt: skip
    llama3 = LlamaForCausalLM(LlamaConfig(**{**size, "num_hidden_layers": 1, "num_attention_heads": 1}, vocab_size=tok.get_vocab_size(),
                                          rope_parameters=rope, tie_word_embeddings=True))  # fmt: skip
    plain = 500000.0 ** -(torch.arange(0, 32, 2).float() / 32)
    for pre in ("gpt-2", "llama-bpe", "tekken"):
        w = GGUFWriter(OUT / f"{pre}.gguf", "llama")
        if pre == "llama-bpe":
            put_model(w, llama3, dict.fromkeys(NAMES, Q.Q8_0) | {n: Q.F32 for n in NAMES if "norm" in n})
            w.add_tensor("rope_freqs.weight", (plain / llama3.model.rotary_emb.inv_freq).numpy())
            w.add_eot_token_id(0)
        else:
            w.add_context_length(256)
        put_byte_tokenizer(w, tok, pre)
        finish(w)
        reader = AutoTokenizer.from_pretrained(OUT, gguf_file=f"{pre}.gguf")
        ids[pre] = [reader.encode(t, add_special_tokens=False) for t in TEXTS]

    sp = pieces()
    ids["pieces"] = [sp.encode(t) for t in TEXTS]
    mistral = MistralForCausalLM(MistralConfig(**{**size, "hidden_size": 16, "intermediate_size": 24}, num_key_value_heads=1, head_dim=16, vocab_size=sp.vocab_size(), sliding_window=32,
                                               tie_word_embeddings=False, rms_norm_eps=1e-6, rope_theta=10000.0, initializer_range=0.2))  # fmt: skip
    w = GGUFWriter(OUT / "pieces.gguf", "llama")
    put_pieces(w, sp)
    w.add_sliding_window(32)
    w.add_rope_scaling_type(RopeScalingType.LINEAR)
    w.add_rope_scaling_factor(4.0)
    w.add_key_length(16)
    w.add_value_length(16)
    save_file(put_model(w, mistral, {}), OUT / "pieces.safetensors")
    finish(w)
    (OUT / "tokens.json").write_text(json.dumps({"texts": TEXTS, "ids": ids}, ensure_ascii=False) + "\n")
    for f in OUT.iterdir():
        f.chmod(0o644)


main()
