"""The tokenizer of models/tiny-llama: byte-level BPE over the demo data set, with ChatML turns.

Writes models/tiny-llama/{tokenizer.json,tokenizer_config.json,chat_template.jinja}. Built like SmolLM2's (every digit
a token of its own, byte-level, no normalizer), but with 2,048 entries and without a system turn of its own. The same
input gives the same bytes. Made with tokenizers 0.23.3 and datasets/demo/raw.jsonl; run it again only together with the
training of the model, whose embedding depends on it.

    python scripts/reference/tiny_tokenizer.py
"""
import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

ROOT = Path(__file__).parents[2]
OUT = ROOT / "models/tiny-llama"
VOCABULARY = 2048
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
# Common words that the demo rows lack, so that free text is not spelled letter by letter.
PLAIN = [
    "The quick answer is that you can write any sentence here and it still becomes a small number of tokens.",
    "Explain the main idea in your own words, then give one short example and say why it matters.",
    "I am sorry, but I do not know. Could you tell me more about what you want and how long it should be?",
    "Once upon a time there was a little town by the sea, and the people who lived there were always kind to strangers.",
]


def texts():
    yield from PLAIN
    for line in (ROOT / "datasets/demo/raw.jsonl").read_text(encoding="utf-8").splitlines():
        for message in json.loads(line)["messages"]:
            yield f"{message['role']}\n"  # The template writes it, so it should be one token.
            yield message["content"]
    yield "system\n" * 100
    yield "First,\n\n\nsecond.\n\n\n" * 100  # Paragraphs; byte-level BPE keeps the last line break apart.


tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
    [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=VOCABULARY, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
)
tokenizer.train_from_iterator(texts(), trainer)

OUT.mkdir(parents=True, exist_ok=True)
tokenizer.save(str(OUT / "tokenizer.json"), pretty=False)
config = {
    "bos_token": "<|im_start|>",
    "eos_token": "<|im_end|>",
    "pad_token": "<|endoftext|>",
    "unk_token": "<|endoftext|>",
    "clean_up_tokenization_spaces": False,
    "model_max_length": 512,
    "tokenizer_class": "PreTrainedTokenizerFast",
}
(OUT / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
(OUT / "chat_template.jinja").write_text(TEMPLATE + "\n", encoding="utf-8")
print(tokenizer.get_vocab_size(), "entries")
