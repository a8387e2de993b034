"""Conversations for templates.py: fixed ones, and random ones from a seed."""
import random

NOW = (2026, 3, 7, 14, 5, 9)
TOKENS = dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>")
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": 'Weather of a "place" <now>, in °C.',
            "parameters": {
                "type": "object",
                "properties": {
                    "place": {"type": "string", "description": "Name of the place"},
                    "days": {"type": "integer", "enum": [1, 2, 7]},
                },
                "required": ["place"],
            },
        },
    }
]


def turn(role, content, **more):
    return dict(role=role, content=content, **more)


def user(content):
    return turn("user", content)


def answer(content, **more):
    return turn("assistant", content, **more)


CALL = dict(id="call00001", type="function", function=dict(name="get_weather", arguments={"place": "Bern", "days": 2}))

FIXED = [
    [user("Hello"), answer("Hi there.")],
    [turn("system", "Be brief."), user("Name a lake."), answer("Lake Thun.")],
    [user("one"), answer("two"), user("three"), answer("four"), user("five"), answer("six")],
    [turn("system", "You count."), user("one"), answer("two"), user("three"), answer("four")],
    [user("Is this open?")],
    [turn("system", "S"), user("Open")],
    [turn("system", ""), user("Empty system"), answer("ok")],
    [user(""), answer("")],
    [user("a"), answer(""), user("b"), answer("c")],
    [user("same"), answer("same"), user("same"), answer("same")],
    [user("Think"), answer("<think>\nFirst, then.\n</think>\n\nDone.")],
    [user("Think"), answer("<think>a</think>b"), user("again"), answer("<think>c</think>\n\nd")],
    [user("Open think"), answer("<think>never closed"), user("x"), answer("</think> only")],
    [user("  blank ends \n"), answer("\n\n  indented\n  code\n\n")],
    [user("tabs\t\r\n"), answer("\u3000wide\u3000")],
    [user("emoji 👩‍👩‍👧 é"), answer("日本語 👍🏽")],
    [user("\u0085next\u0085"), answer("\ufeffmark\ufeff \u2028 \u00a0")],
    [user("\x1cfs\x1f"), answer("\u200bzero\u200b")],
    [answer("I begin."), user("Then I."), answer("Good.")],
    [user("a"), user("b"), answer("c")],
    [user("a"), answer("b"), answer("c")],
    [turn("system", "one"), turn("system", "two"), user("x"), answer("y")],
    [user("x"), turn("system", "late"), answer("y")],
    [turn("developer", "Mind."), user("x"), answer("y")],
    [user("</s> <|im_end|> [INST] {{ x }}"), answer("<s>{% if %}</s>")],
    [user('quotes " \' \\ and\nlines'), answer("&<>\"'")],
    [user("UPPER lower Title"), answer("ÄÖÜ ß ǆ")],
    [turn("tool", "result"), user("x"), answer("y")],
    [user("What is it?"), answer("None"), user("null"), answer("False")],
    [user("1"), answer("2"), user("3")],
    [user("w"), answer("It rains.", reasoning_content="Look out of the window.")],
    [user("w"), answer("", tool_calls=[CALL]), turn("tool", '{"rain": true}', tool_call_id="call00001", name="get_weather"), answer("It rains.")],
    [user("w"), answer("Let me look.", tool_calls=[CALL]), turn("tool", "4", tool_call_id="call00001", name="get_weather")],
]

PIECES = ["", " ", "\n", "a", "Zürich", "👍", "<think>", "</think>", "\n\n", "</s>", "<|im_end|>", "[INST]", "word", "#", "\t", "\u00a0", "'", '"', "{", "}}", "\\n", "42"]


def drawn(rng):
    """One random conversation: mostly in turns, sometimes not."""
    messages = []
    if rng.random() < 0.35:
        messages.append(turn("system", text(rng)))
    role = "user" if rng.random() < 0.93 else "assistant"
    for _ in range(rng.randint(1, 7)):
        messages.append(turn(role, text(rng)))
        if rng.random() < 0.95:
            role = "assistant" if role == "user" else "user"
    return messages


def text(rng):
    return "".join(rng.choice(PIECES) for _ in range(rng.randint(0, 6)))


def conversations():
    rng = random.Random(60)
    cases = []
    for i, messages in enumerate(FIXED):
        cases.append(dict(messages=messages, prompt=False, tools=False))
        cases.append(dict(messages=messages, prompt=True, tools=i % 3 == 0))
        if i % 4 == 1 or i > 29:
            cases.append(dict(messages=messages, prompt=False, tools=True))
    for _ in range(40):
        cases.append(dict(messages=drawn(rng), prompt=rng.random() < 0.3, tools=rng.random() < 0.1))
    return cases
