"""Makes tests/fixtures/eval/ifeval.json.gz: 1,000 generated texts, each with constraints as those of IFEval, and what the
checkers of lm-evaluation-harness say about them, strictly and loosely.

    pip install lm-eval==0.4.13 langdetect nltk immutabledict      (Python 3.11)
    python scripts/reference/ifeval.py

Where theirs is known to be random, to fail or to check something else (`listed`), the case also has what a repaired
checker says, written here by itself. `faults` are such cases made on purpose.
"""

import collections
import gzip
import json
import pathlib
import random
import re

import nltk

# The splitter into sentences is not used by these checks, and is not downloaded.
nltk.data.find = lambda *_, **__: None
nltk.download = lambda *_, **__: True
from lm_eval.tasks.ifeval import utils  # noqa: E402

OUT = pathlib.Path(__file__).parents[2] / "tests/fixtures/eval/ifeval.json.gz"
TEXTS = 1000
CHECKS_A_TEXT = 6

WORDS = """river stone the a of water bright under Berlin letter moon seven answer café naïve über straße Ελλάδα Москва
日本語 don't it's well-known x_y 3rd 42 1,000 3.14 ４２ ½ Ⅷ e-mail AND Title über-cool ... ! ? , ; : “quoted” 'single' "double"
river's rivers RIVER Stone, water. naïve? 🌊 👩‍🚀 é e\u0301 ﬁne""".split()
SPACES = [" "] * 12 + ["  ", "\t", "\u00a0", "\u3000", "\u2028", "\x85", "\x1c", "\r", "\ufeff", "\u200b", "\x0b"]
KEYWORDS = ["river", "stone", "water", "moon", "café", "Berlin", "in", "seven letters", "don't", "日本", "well-known", "x"]
ENDINGS = ["Any other questions?", "Is there anything else I can help with?", "The end.", 'That is "it"']
PROMPTS = ["Write a poem about a river.", "  What is 2 + 2?\nExplain.", "ÜBER alles?"]
OPTIONS = ["My answer is yes.", "My answer is no.", "My answer is maybe.", "my answer is yes."]
JSONS = ['{"a": 1}', "[1, 2]", '"text"', "12", "null", "{'a': 1}", '{"a": 1,}', '{"a": 1} x', '["é\\u00e9"]', '{"a": "b\nc"}', "", "truE", "[1.5e3]", "01", "[]"]


def phrase(rng, most=12):
    text = ""
    for _ in range(rng.randint(1, most)):
        text += rng.choice(WORDS) + rng.choice(SPACES)
    return text.rstrip(" ") if rng.random() < 0.8 else text


def line(rng):
    p = phrase(rng)
    forms = [
        p, p, p, p, f"* {p}", f"*{p}", f"  * {p}", f"** {p}", f"- {p}", f"-{p}", f"\t- {p}", "---", "*", "* ", f"**{p}**",
        f"*{p}*", f"* *{p}*", f"**{p}** and *{p}*", "****", "**", "* *", f"***{p}***", "***", " *** ", "***", "******", f"<<{p}>>", "<<>>", "<< >>",
        f"<<<{p}>>>", f"<{p}>", f"[{p}]", f"[{p}] and [{p}]", "[]", "[[a]]", f"[{p}", f"Section {rng.randint(1, 9)}", f"SECTION {rng.randint(1, 12)} {p}",
        f"Section{rng.randint(1, 9)}", "Section ４", "Section one", f"P.S. {p}", f"p. s. {p}", f"P.P.S {p}", f"P. P. S. {p}", f"P.S {p}", f"PS: {p}", "P.\u00a0S. x",
        "```json", "```", f'"{p}"', rng.choice(OPTIONS), rng.choice(ENDINGS), "",
    ]  # fmt: skip
    return rng.choice(forms)


def text_of(rng):
    kind = rng.random()
    if kind < 0.03:
        return rng.choice(["", " ", "\n", "\u00a0\n", "*", "\x1c"])
    if kind < 0.12:
        body = rng.choice(JSONS)
        fence = rng.choice(["```json\n{}\n```", "```\n{}\n```", "```JSON {} ```", "{}", "  {}\n", "Here:\n{}\nDone", "```json\n{}", "```Json\n{}```"])
        return fence.replace("{}", body)
    if kind < 0.18:
        body = [phrase(rng, 5) for _ in range(rng.randint(1, 3))]
        if rng.random() < 0.4:
            body.append(body[0])
        return rng.choice(["", "\n"]) + rng.choice(["******", "\n******\n", " ****** ", "*******"]).join(body) + rng.choice(["", "******", "\n"])
    if kind < 0.26:
        return rng.choice(["", " ", "\n"]) + rng.choice(PROMPTS).strip() + rng.choice(["\n", " ", ""]) + phrase(rng)
    joiner = rng.choice(["\n", "\n", "\n\n", "\n\n", "\n***\n", " *** ", "\r\n", "\n\n\n\n", "\n \n", " "])
    text = joiner.join(line(rng) for _ in range(rng.randint(1, 7)))
    if rng.random() < 0.15:
        text = '"' + text + '"'
    if rng.random() < 0.15:
        text += "\n" + rng.choice(ENDINGS) + rng.choice(["", " ", '"', "\n", "!"])
    if rng.random() < 0.1:
        text = rng.choice(["Sure, here it is:\n", "\n\n", "**"]) + text
    return text


def near(rng, n):
    """A threshold near to what the text has, so that both results occur. Never 0, which theirs drops."""
    return max(1, n + rng.randint(-1, 1))


def constraint_of(rng, text):
    relation = rng.choice(["less than", "at least"])
    first = lambda: rng.choice((text.split() or ["a"])[: 1 + rng.randint(0, 6)])  # noqa: E731
    paragraphs = [p for p in text.split("\n\n") if p.strip()]
    keyword = rng.choice(KEYWORDS)
    letter = rng.choice("aeistrnxzWQ")
    paragraph = rng.randint(1, max(1, len(paragraphs)))
    word = (paragraphs[paragraph - 1].split() if paragraphs else ["a"])[0].strip("'\".,?!") or "a"
    makers = {
        "keywords:existence": lambda: {"keywords": rng.sample(KEYWORDS, rng.randint(1, 2))},
        "keywords:frequency": lambda: {"keyword": rng.choice([keyword, f" {keyword} "]), "relation": relation, "frequency": near(rng, len(re.findall(keyword, text, re.I)))},
        "keywords:forbidden_words": lambda: {"forbidden_words": rng.sample(KEYWORDS, rng.randint(1, 3))},
        "keywords:letter_frequency": lambda: {"letter": letter, "let_relation": relation, "let_frequency": near(rng, text.lower().count(letter.lower()))},
        "length_constraints:number_paragraphs": lambda: {"num_paragraphs": near(rng, len([p for p in text.split("***") if p.strip()]))},
        "length_constraints:number_words": lambda: {"relation": relation, "num_words": near(rng, len(re.findall(r"\w+", text)))},
        "length_constraints:nth_paragraph_first_word": lambda: {"num_paragraphs": max(paragraph, near(rng, len(paragraphs)) if rng.random() < 0.4 else len(paragraphs)), "nth_paragraph": paragraph, "first_word": rng.choice([word, word, word.upper(), "the"])},
        "detectable_content:number_placeholders": lambda: {"num_placeholders": near(rng, text.count("["))},
        "detectable_content:postscript": lambda: {"postscript_marker": rng.choice(["P.S.", "P.P.S", "PS:", "P.S. "])},
        "detectable_format:number_bullet_lists": lambda: {"num_bullets": near(rng, len(re.findall(r"^\s*[*-]", text, re.M)))},
        "detectable_format:constrained_response": lambda: {},
        "detectable_format:number_highlighted_sections": lambda: {"num_highlights": near(rng, text.count("*") // 2)},
        "detectable_format:multiple_sections": lambda: {"section_spliter": rng.choice(["Section", "SECTION"]), "num_sections": near(rng, len(re.findall("section", text, re.I)))},
        "detectable_format:json_format": lambda: {},
        "detectable_format:title": lambda: {},
        "combination:two_responses": lambda: {},
        "combination:repeat_prompt": lambda: {"prompt_to_repeat": rng.choice(PROMPTS + [first()])},
        "startend:end_checker": lambda: {"end_phrase": rng.choice(ENDINGS + [text[-5:].strip() or "x"])},
        "startend:quotation": lambda: {},
        "punctuation:no_comma": lambda: {},
    }  # fmt: skip
    return makers


def given(name, kwargs, text):
    return utils.InputExample(key=0, instruction_id_list=[name], prompt="", kwargs=[kwargs])


def theirs(name, kwargs, text):
    inp = given(name, kwargs, text)
    strict = utils.test_instruction_following_strict(inp, text).follow_instruction_list[0]
    loose = utils.test_instruction_following_loose(inp, text).follow_instruction_list[0]
    return [strict, loose]


def variants(text):
    lines = text.split("\n")
    cut = [text] + ["\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1])]
    return cut + [each.replace("*", "") for each in cut]


def repaired_paragraph(kwargs, text):
    """As their checker, but looks at the paragraph among those that it counts."""
    paragraphs = [p for p in re.split(r"\n\n", text) if p.strip()]
    if len(paragraphs) != kwargs["num_paragraphs"] or kwargs["nth_paragraph"] > len(paragraphs):
        return False
    word = paragraphs[kwargs["nth_paragraph"] - 1].split()[0].lstrip("'").lstrip('"')
    return re.split(r"[.,?!'\"]", word)[0].lower() == kwargs["first_word"].lower()


def listed(name, text):
    if name != "length_constraints:nth_paragraph_first_word":
        return False
    return any(not p.strip() for each in variants(text) for p in each.split("\n\n"))


def cases():
    rng = random.Random(16)
    out, counts = [], collections.Counter()
    names = list(constraint_of(rng, "a"))
    for i in range(TEXTS):
        text = text_of(rng)
        makers = constraint_of(rng, text)
        chosen = [names[(i + k) % len(names)] for k in range(0, len(names), len(names) // CHECKS_A_TEXT)]
        checks = []
        for name in chosen:
            kwargs = makers[name]()
            strict, loose = theirs(name, kwargs, text)
            check = {"name": name, "kwargs": kwargs, "strict": strict, "loose": loose}
            if listed(name, text):
                repaired = [v.strip() != "" and repaired_paragraph(kwargs, v) for v in variants(text)]
                check["repaired"] = [repaired[0], any(repaired)]
            checks.append(check)
            counts[name, strict, loose] += 1
        out.append({"text": text, "checks": checks})
    for name in names:
        print(name, {str(k[1:]): n for k, n in counts.items() if k[0] == name})
    return out


def faults():
    """What their checkers say in 40 tries, or the error, where they draw at random, fail, or read a text as a pattern."""
    cases = [
        ("keywords:frequency", {"keyword": "river", "relation": "less than", "frequency": 0}, "no such word"),
        ("detectable_content:number_placeholders", {"num_placeholders": 0}, "one [a] and [b]"),
        ("detectable_format:number_bullet_lists", {"num_bullets": 0}, "* a\n* b"),
        ("keywords:letter_frequency", {"letter": "#", "let_relation": "at least", "let_frequency": 4}, "#e #e #e #e, see?"),
        ("keywords:letter_frequency", {"letter": "!", "let_relation": "less than", "let_frequency": 2}, "hey! hey! hey!"),
        ("length_constraints:number_words", {"relation": "at least"}, "word " * 300),
        ("keywords:existence", {"keywords": ["C++"]}, "I write C++ every day."),
        ("keywords:existence", {"keywords": ["a.b"]}, "axb"),
        ("keywords:existence", {"keywords": ["f(x)"]}, "f(x) = x"),
        ("keywords:forbidden_words", {"forbidden_words": ["C#"]}, "I write C# every day."),
        ("detectable_content:postscript", {"postscript_marker": "P.P.S."}, "popos. no postscript"),
        ("detectable_format:json_format", {}, "[NaN]"),
        ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "second"}, "First one.\n\n\n\nSecond one."),
    ]  # fmt: skip
    out = []
    for name, kwargs, text in cases:
        said = set()
        random.seed(1)
        for _ in range(40):
            try:
                said.add(str(theirs(name, kwargs, text)[0]).lower())
            except Exception as error:  # noqa: BLE001
                said.add(type(error).__name__)
        out.append({"name": name, "kwargs": kwargs, "text": text, "theirs": sorted(said)})
        print(name, kwargs, sorted(said))
    return out


if __name__ == "__main__":
    OUT.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps({"texts": cases(), "faults": faults()}, ensure_ascii=True, separators=(",", ":"))
    OUT.write_bytes(gzip.compress(data.encode(), mtime=0))
