"""Reference ids and texts of tokenizers of many layouts, by transformers: tests/fixtures/tokenizers/cases.json.gz.

    python scripts/reference/tokenizer_layouts.py

Every case is a folder of files drawn by a seed: a small model of each kind, normalizers, pre-tokenizers and decoders, added tokens with
all flags, and special tokens that tokenizer.json does not have but tokenizer_config.json (`added_tokens_decoder`, `additional_special_tokens`,
`extra_special_tokens`, fields that end in `_token`), special_tokens_map.json or added_tokens.json declare. Texts are drawn too. `ids`
are those of `tok(text, add_special_tokens=False)`, None where it raises; `decoded` and `skipped` are `tok.decode(ids)` with and without
special tokens. Made with transformers 5.24.0, tokenizers 0.23.3.
"""
import gzip
import json
import random
import tempfile
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

OUT = Path(__file__).parents[2] / "tests/fixtures/tokenizers/cases.json.gz"
CASES, TEXTS = 240, 12
CORPUS = [
    "the cat sat on the mat and the dog ran to the lake",
    "one two three four five six seven eight nine ten",
    "books and bookends are on the third shelf, 12 of 345",
    "über den See führt eine Brücke; naïve café, déjà vu",
    "it's what they'd do: don't ask, we've said so!",
]
BYTES = [f"<0x{b:02X}>" for b in range(256)]
SPECIALS = ["<s>", "</s>", "<unk>", "<pad>", "<|im_start|>", "<|im_end|>", "[INST]", "<tool>", "book", " end", "die"]
PIECES = [
    "the ", "cat", "book", "books", "bookend", " book ", "one", " ", "  ", "\n", "\t", "\r\n", "don't", "it's", "12", "345 ", "½", "Ⅷ", "é", "e\u0301",
    "ä", "ß", "İ", "日本", "👍", "👩\u200d👧", "\u00a0", "\u0085", "\ufeff", "\u200b", "ﬁ", "…", "??", "???", "!!", ".", ",", "x" * 9, "\x00", "die", " end", "Ünder",
    *SPECIALS,
]


def trained(kind, rng):
    """A model with its vocabulary, small enough to be written out."""
    size = 120
    if kind == "bytelevel":
        tok = Tokenizer(models.BPE())
        tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tok.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=320, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<unk>", "<s>", "</s>"], show_progress=False))
        return json.loads(tok.to_str())["model"]
    marked = [line.replace(" ", "▁") for line in CORPUS]
    if kind == "bpe":
        tok = Tokenizer(models.BPE(unk_token="<unk>"))
        tok.train_from_iterator(marked, trainers.BpeTrainer(vocab_size=size, special_tokens=["<unk>", "<s>", "</s>", *(BYTES if rng.random() < 0.6 else [])], show_progress=False))
        model = json.loads(tok.to_str())["model"]
        model.update(byte_fallback="<0x00>" in model["vocab"], fuse_unk=rng.random() < 0.5, ignore_merges=rng.random() < 0.3)
        if rng.random() < 0.15:
            model["unk_token"] = None
        return model
    if kind == "prefixed":
        tok = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##"))
        tok.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        tok.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size, special_tokens=["<unk>", "<s>", "</s>"], continuing_subword_prefix="##", show_progress=False))
        return json.loads(tok.to_str())["model"]
    if kind == "unigram":
        letters = sorted(set("".join(marked)))
        words = sorted({w for line in marked for w in line.split("▁")} | {"▁" + w for line in marked for w in line.split("▁")} | {"??", "!!", "?", "!"})
        vocab = [["<unk>", 0.0], ["<s>", 0.0], ["</s>", 0.0]] + [[b, 0.0] for b in (BYTES if rng.random() < 0.6 else [])]
        vocab += [[p, -round(2 + rng.random() * 3, rng.choice([0, 1, 6]))] for p in words if p and len(p) > 1] + [[p, -6.0] for p in letters + ["?"]]
        seen = {}
        for p, s in vocab:
            seen.setdefault(p, s)
        return {"type": "Unigram", "unk_id": 0, "vocab": [[p, s] for p, s in seen.items()], "byte_fallback": "<0x00>" in seen}
    words = sorted({w for line in CORPUS for w in line.replace(",", " ,").split()})
    if kind == "wordpiece":
        vocab = {w: i for i, w in enumerate(["[UNK]", "<s>", "</s>", *words, *("##" + c for c in "abcdefghijklmnopqrstuvwxyz"), *"abcdefghijklmnopqrstuvwxyz.,!?"])}
        return {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": rng.choice([5, 100]), "vocab": vocab}
    return {"type": "WordLevel", "vocab": {w: i for i, w in enumerate(["<unk>", "<s>", "</s>", *words])}, "unk_token": "<unk>"}


def steps_around(kind, rng):
    """Normalizer, pre-tokenizer and decoder, as such a model may have them, and freely drawn ones."""
    behaviors = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
    free = [
        None,
        {"type": "Whitespace"},
        {"type": "WhitespaceSplit"},
        {"type": "Digits", "individual_digits": rng.random() < 0.5},
        {"type": "Punctuation", "behavior": rng.choice(behaviors)},
        {"type": "Split", "pattern": rng.choice([{"String": " "}, {"String": "e"}, {"Regex": "\\p{L}+"}, {"Regex": "\\s+|\\d"}]), "behavior": rng.choice(behaviors), "invert": rng.random() < 0.3},
        {"type": "FixedLength", "length": 3},
        {"type": "BertPreTokenizer"},
    ]
    norms = [None, None, {"type": "NFC"}, {"type": "NFKC"}, {"type": "Lowercase"}, {"type": "Strip", "strip_left": True, "strip_right": rng.random() < 0.5},
             {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]}, {"type": "Replace", "pattern": {"Regex": "\\s{2,}"}, "content": " "},
             {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": rng.random() < 0.5}]
    if kind == "bytelevel":
        level = {"type": "ByteLevel", "add_prefix_space": rng.random() < 0.3, "trim_offsets": True, "use_regex": rng.random() < 0.7}
        before = rng.choice(free[:6])
        pre = level if before is None or rng.random() < 0.5 else {"type": "Sequence", "pretokenizers": [before, level]}
        return rng.choice(norms), pre, {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    if kind in ("bpe", "unigram"):
        fallback = {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]}
        if rng.random() < 0.5:
            space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": rng.choice(["first", "always", "never"]), "split": rng.random() < 0.5}
            return rng.choice(norms[:6]), space, rng.choice([{k: v for k, v in space.items()}, fallback])
        marks = [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]
        return {"type": "Sequence", "normalizers": marks[rng.randrange(2):]}, None, fallback
    if kind == "wordpiece":
        return rng.choice(norms), rng.choice([free[1], free[7]]), {"type": "WordPiece", "prefix": "##", "cleanup": rng.random() < 0.5}
    return rng.choice(norms), rng.choice(free), rng.choice([None, {"type": "BPEDecoder", "suffix": "</w>"}, {"type": "WordPiece", "prefix": "##", "cleanup": True}])


def added(content, rng, special=None):
    special = rng.random() < 0.7 if special is None else special
    flag = lambda chance: rng.random() < chance
    return {"content": content, "single_word": flag(0.2), "lstrip": flag(0.2), "rstrip": flag(0.2), "normalized": flag(0.4) if special else flag(0.7), "special": special}


def folder(rng):
    """The files of a tokenizer."""
    kind = rng.choice(["bytelevel", "bytelevel", "bpe", "bpe", "prefixed", "unigram", "unigram", "wordpiece", "wordlevel"])
    model = trained(kind, rng)
    normalizer, pre, decoder = steps_around(kind, rng)
    ids = {p: i for i, (p, _) in enumerate(model["vocab"])} if isinstance(model["vocab"], list) else model["vocab"]
    size = max(ids.values()) + 1
    inside = rng.sample(SPECIALS, rng.randrange(0, 5))
    tokens, last = [], size
    for content in inside:
        if content in ids:
            tokens.append({"id": ids[content], **added(content, rng)})
        else:
            tokens.append({"id": last, **added(content, rng)})
            last += 1
    tokens.sort(key=lambda t: t["id"])
    json_file = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens, "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": None, "decoder": decoder, "model": model}
    if rng.random() < 0.1:
        json_file["truncation"] = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": rng.random() < 0.2}
    files = {"tokenizer.json": json_file, "tokenizer_config.json": config}
    draw = lambda: rng.choice(SPECIALS)
    as_token = lambda: draw() if rng.random() < 0.6 else {"__type": "AddedToken", **added(draw(), rng)}
    for name in ("bos_token", "eos_token", "unk_token", "pad_token"):
        if rng.random() < 0.5:
            config[name] = as_token()
    if rng.random() < 0.3:
        config["image_token"] = draw()
    if rng.random() < 0.4:
        extra = [as_token() for _ in range(rng.randrange(0, 3))]
        config[rng.choice(["additional_special_tokens", "extra_special_tokens"])] = extra
    elif rng.random() < 0.2:
        config["extra_special_tokens"] = {"audio_token": draw(), "other": draw()}
    if rng.random() < 0.4:
        listed = {t["id"]: {k: v for k, v in t.items() if k != "id"} for t in tokens if rng.random() < 0.8}
        for t in listed.values():
            if rng.random() < 0.3:
                t.update(added(t["content"], rng))
        for content in rng.sample(SPECIALS, 2):
            if content not in [t["content"] for t in listed.values()]:
                listed[ids.get(content, last)] = added(content, rng)
                last += content not in ids
        config["added_tokens_decoder"] = {str(i): t for i, t in listed.items()}
    else:
        if rng.random() < 0.5:
            files["special_tokens_map.json"] = {
                n: draw() if rng.random() < 0.5 else {k: v for k, v in added(draw(), rng).items() if k != "special"} for n in ("bos_token", "eos_token", "pad_token") if rng.random() < 0.6
            }
            if rng.random() < 0.3:
                files["special_tokens_map.json"]["additional_special_tokens"] = [draw() for _ in range(2)]
        if rng.random() < 0.4:
            files["added_tokens.json"] = {draw(): last + i for i in range(2)}
    return kind, files


def case(seed):
    rng = random.Random(seed)
    kind, files = folder(rng)
    with tempfile.TemporaryDirectory() as place:
        for name, content in files.items():
            Path(place, name).write_text(json.dumps(content))
        try:
            tok = PreTrainedTokenizerFast.from_pretrained(place)
        except Exception as error:  # What transformers does not load need not load here either.
            return None
    texts = ["".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 9))) for _ in range(TEXTS)]
    ids, decoded, skipped = [], [], []
    for text in texts:
        try:
            found = tok(text, add_special_tokens=False)["input_ids"]
        except Exception:
            found = None
        ids.append(found)
        decoded.append(None if found is None else tok.decode(found))
        skipped.append(None if found is None else tok.decode(found, skip_special_tokens=True))
    named = {n: getattr(tok, n + "_id") for n in ("bos_token", "eos_token", "pad_token") if getattr(tok, n) is not None}
    return dict(name=f"{seed} {kind}", files=files, texts=texts, ids=ids, decoded=decoded, skipped=skipped, named=named)


made, seed = [], 0
while len(made) < CASES:
    found = case(seed)
    seed += 1
    if found:
        made.append(found)
OUT.parent.mkdir(parents=True, exist_ok=True)
with open(OUT, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
    file.write(json.dumps(made).encode())
print(f"{len(made)} tokenizers of {seed} drawn, {sum(i is None for c in made for i in c['ids'])} texts refused, {OUT.stat().st_size} bytes")
