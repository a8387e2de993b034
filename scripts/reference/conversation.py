"""A conversation as text and as tokens, for the scripts beside this one: by the tokenizer's chat template, or by the paper's (arXiv 2406.04371)."""
import re


def render(tok, messages, template, prompt=False):
    if template == "chat":
        return tok.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
    messages = [dict(m) for m in messages]
    if messages[0]["role"] == "system":
        system = messages.pop(0)["content"]
        messages[0]["content"] = system + "\n" + messages[0]["content"]
    names = {"user": "User", "assistant": "Assistant"}
    turns = [f"{names[m['role']]}: {m['content']}{tok.eos_token}" for m in messages]
    return (tok.bos_token or "") + "\n".join(turns) + ("\nAssistant:" if prompt else "")


def spells_special(tok, messages):
    """Whether a turn spells a special token out."""
    return any(token in m["content"] for m in messages for token in tok.all_special_tokens)


def pieces(tok, messages, template, prompt=False):
    """The rendered text in pieces, special tokens that the template writes apart: contents are put in for marks that no text has."""
    specials = sorted(tok.all_special_tokens, key=len, reverse=True)
    marked = [{**m, "content": f"\ue000{i}\ue001"} for i, m in enumerate(messages)]
    parts = re.split("(" + "|".join(map(re.escape, specials)) + ")", render(tok, marked, template, prompt))
    fill = lambda part: re.sub("\ue000(\\d+)\ue001", lambda m: messages[int(m[1])]["content"], part)
    return [(part if part in specials else fill(part), part in specials) for part in parts]


def encode(tok, messages, template, prompt=False):
    """Ids and offsets of the rendered conversation. What turns say is text: where it spells a special token, everything
    that is no special token of the template is cut without special tokens (`split_special_tokens`), piece by piece."""
    if not spells_special(tok, messages):
        found = tok(render(tok, messages, template, prompt), add_special_tokens=False, return_offsets_mapping=True)
        return found["input_ids"], found["offset_mapping"]
    ids, offsets, at = [], [], 0
    rust = tok.backend_tokenizer
    rust.encode_special_tokens = True
    for piece, special in pieces(tok, messages, template, prompt):
        if special:
            ids.append(tok.convert_tokens_to_ids(piece))
            offsets.append((at, at + len(piece)))
        else:
            found = rust.encode(piece, add_special_tokens=False)
            ids += found.ids
            offsets += [(at + a, at + b) for a, b in found.offsets]
        at += len(piece)
    rust.encode_special_tokens = False
    assert at == len(render(tok, messages, template, prompt))
    return ids, offsets
