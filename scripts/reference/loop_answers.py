"""Answers of SmolLM2-135M-Instruct (Apache-2.0), greedy, to the made-up instructions below: the texts and tokens of
tests/fixtures/eval/loops.json, of which a person then said which ones loop.

    python scripts/reference/loop_answers.py MODEL_FOLDER OUT.json

Made with torch 2.15.0, transformers 5.24.0.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

NEW_TOKENS = 160
ASKED = """Name three ways to save water at home.|List the planets of the solar system.|Write a short poem about a river.|Count from one to twenty in words.
Write a song with a refrain about the sea.|What is 1 divided by 3 as a decimal?|Make a Markdown table of three fruits and their colours.|Write a Python function that sums a list.
List ten animals, one a line.|Explain how a bicycle stays upright.|Translate to French: the cat sleeps.|Give me a recipe for pancakes.|Write a haiku about snow.|What is the capital of Peru?
Say hello in five languages.|Write the alphabet.|List the months of the year.|Describe a lighthouse at night.|Give five synonyms for happy.|Write a JSON object with a name and an age.
What are the days of the week?|Tell me a joke about a duck.|Write a limerick about a cook.|List the first ten prime numbers.|Write a dialogue between a cat and a dog.|Why is the sky blue?
Write a letter to a friend about a storm.|Name all countries that you know.|Write a list of 100 verbs.|Repeat the word river many times.|Explain recursion.|Write a story that never ends.
List all even numbers.|Write code that prints a multiplication table.|Name the parts of a ship.|Write a prayer for rain.|What is the largest number that you can write?|Draw a line of stars.
List every colour.|Write a very long list of things to buy.|Explain why explaining is hard to explain.|Write a chant for a football team.|Write an HTML table with ten rows.|List book titles about the moon.
Name ten rivers in Europe.|Describe a dream in which everything happens again.|Write minutes of a meeting about meetings.|List names that begin with A.|Explain what a loop is.|Write a menu for a week.
Give me twenty ideas for a party.|Write a CSV file with ten rows of names and ages.|Write ten questions about water.|List synonyms of good, better and best.|Write a lullaby.|Name the kings of England.
Write a tongue twister.|Describe each season in one sentence.|Write the lyrics of a slow song about a train.|List the digits of pi.|Write ten facts about bees.|Compare cats and dogs in a table.
Write a rap about homework.|Write a slogan for a bakery.|List reasons to get up early.|Write a diary of a stone.|Explain gravity to a child.|Write instructions for tying a shoe.|Name the bones of the hand.
List song titles about love.|Write a speech about speeches.|What comes after 1, 2, 4, 8, 16?|List famous painters.|Write a packing list for the sea.|Explain the rules of chess.|Write a riddle about time."""


def main(folder, out):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.padding_side = "left"
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    asked = [question for line in ASKED.split("\n") for question in line.split("|")]
    rows = []
    for start in range(0, len(asked), 13):
        batch = asked[start : start + 13]
        texts = [tokenizer.apply_chat_template([{"role": "user", "content": q}], tokenize=False, add_generation_prompt=True) for q in batch]
        inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.no_grad():
            made = model.generate(**inputs, max_new_tokens=NEW_TOKENS, do_sample=False)
        for question, ids in zip(batch, made[:, inputs["input_ids"].shape[1] :].tolist()):
            ended = tokenizer.eos_token_id in ids
            ids = ids[: ids.index(tokenizer.eos_token_id)] if ended else ids
            rows.append({"instruction": question, "output": tokenizer.decode(ids), "ids": ids, "finish": "stop" if ended else "length"})
        print(len(rows), flush=True)
    with open(out, "w") as file:
        json.dump(rows, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
