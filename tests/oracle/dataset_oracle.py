"""Compares what Tune makes of a dataset's rows with an independent reading in Python.

Usage: dataset_oracle.py --program PATH [--data DIR]

Each form of rows is written here as a file, read here as its publisher documents it, put into the
template's text, and encoded by Hugging Face tokenizers; ids and targets must be the same, row by
row. With the shared test data its real files are read whole, and their rows counted.
"""
import argparse
import csv
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

END = "<|endoftext|>"
MARKS = ["<|im_start|>", "<|im_end|>"]
ALPACA = ("Below is an instruction that describes a task. Write a response that appropriately "
          "completes the request.\n\n### Instruction:\n{p}\n\n### Response:\n")
ALPACA_INPUT = ("Below is an instruction that describes a task, paired with an input that provides "
                "further context. Write a response that appropriately completes the request."
                "\n\n### Instruction:\n{p}\n\n### Input:\n{i}\n\n### Response:\n")


def make_tokenizer(path):
    """A byte-level BPE with a few merges, so that where words are cut matters."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {character: i for i, character in enumerate(alphabet)}
    merges = []
    for left, right in [("t", "h"), ("th", "e"), ("Ġ", "the"), ("Ġ", "a"), ("i", "n"), ("in", "g"),
                        ("e", "r"), ("Ċ", "Ċ")]:
        merges.append((left, right))
        vocab[left + right] = len(vocab)
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in [END] + MARKS])
    tokenizer.save(path)
    return tokenizer


class Rendering:
    """Segments of text, each learned or not, in a template."""

    def __init__(self, tokenizer, template):
        self.tokenizer, self.template = tokenizer, template
        self.plain = Tokenizer.from_str(tokenizer.to_str())
        self.plain.encode_special_tokens = True

    def ordinary(self, text):
        return self.plain.encode(text, add_special_tokens=False).ids if text else []

    def example(self, messages, system="", learn=lambda i, m: m.get("learn", True)):
        """messages: dicts of role, text and, of a user's, input."""
        ids, target = [], []

        def add(tokens, learned):
            for token in tokens:
                target.append(int(bool(ids) and learned))
                ids.append(token)

        before = system + "\n\n" if system else ""
        asked = []
        for i, message in enumerate(messages):
            if message["role"] == "user":
                asked.append(message)
                continue
            prompt = "\n\n".join(m["text"] for m in asked)
            given = asked[0].get("input", "") if len(asked) == 1 else ""
            add(self.prompt(before, prompt, given), False)
            add(self.response(message["text"]), learn(i, message))
            add([self.tokenizer.token_to_id(END)], learn(i, message))
            before, asked = "\n\n", []
        return ids, target

    def prompt(self, before, prompt, given):
        if given and self.template != "alpaca":
            prompt = f"{prompt}\n\n{given}"
        if self.template == "chatml":
            start, end = (self.tokenizer.token_to_id(mark) for mark in MARKS)
            return (self.ordinary(before) + [start] + self.ordinary("user\n" + prompt) + [end] +
                    self.ordinary("\n") + [start] + self.ordinary("assistant\n"))
        if self.template == "alpaca":
            text = ALPACA_INPUT.format(p=prompt, i=given) if given else ALPACA.format(p=prompt)
        else:
            text = f"User: {prompt}\n\nAssistant:"
        return self.ordinary(before + text)

    def response(self, text):
        if self.template == "chatml":
            return self.ordinary(text) + [self.tokenizer.token_to_id(MARKS[1])]
        return self.ordinary(text if self.template == "alpaca" else " " + text)


def user(text, **more):
    return {"role": "user", "text": text, **more}


def bot(text, **more):
    return {"role": "assistant", "text": text, **more}


def marked(text, human, robot):
    """OIG's text: split at the markers, as LAION's own loader does."""
    turns = []
    for part in re.split(f"(?=^{re.escape(human)}|^{re.escape(robot)})", text, flags=re.M):
        part = part.strip()
        if part.startswith(human):
            turns.append(user(part[len(human):].strip()))
        elif part.startswith(robot):
            turns.append(bot(part[len(robot):].strip().removesuffix(END).strip()))
    return turns


OIG = "\n<human>: Name the first.\n<bot>: the one\n<human>: And the other?\n<bot>: another"
CASES = [
    # form, row, messages, system
    ("user_chip2", {"user": "Name the thing.", "chip2": "the thing"},
     [user("Name the thing."), bot("the thing")], ""),
    ("marked_text", {"text": OIG + END, "metadata": {"source": "x"}},
     marked(OIG, "<human>:", "<bot>:"), ""),
    ("marked_text", {"text": "User: Say\n\nit: all.\n\nChip2: the all\nof it" + END},
     [user("Say\n\nit: all."), bot("the all\nof it")], ""),
    ("instruction", {"instruction": "Add.", "input": "the 1 and 2", "output": "3"},
     [user("Add.", input="the 1 and 2"), bot("3")], ""),
    ("instruction", {"instruction": "Sing.", "input": "", "output": "the song"},
     [user("Sing."), bot("the song")], ""),
    ("question_response", {"id": "f", "system_prompt": "Think in steps.", "question": "Why?",
                           "response": "the reason"},
     [user("Why?"), bot("the reason")], "Think in steps."),
    ("conversations", {"conversations": [{"from": "system", "value": "Be brief."},
                                         {"from": "human", "value": "Hi " + END},
                                         {"from": "gpt", "value": "Hello"},
                                         {"from": "human", "value": "Bye"},
                                         {"from": "gpt", "value": "Bye."}]},
     [user("Hi " + END), bot("Hello"), user("Bye"), bot("Bye.")], "Be brief."),
    ("messages", {"messages": [{"role": "user", "content": "a"},
                               {"role": "assistant", "content": "wrong", "weight": 0},
                               {"role": "user", "content": "No."},
                               {"role": "assistant", "content": "right", "weight": 1}]},
     [user("a"), bot("wrong", learn=False), user("No."), bot("right")], ""),
    ("strings", {"id": "0", "data": ["the first", "second", "third", "fourth"]},
     [user("the first"), bot("second"), user("third"), bot("fourth")], ""),
    ("inputs_targets", {"inputs": "Is it raining?", "targets": "No"},
     [user("Is it raining?"), bot("No")], ""),
    ("question_answer", {"question": "1+1?", "answer": "the sum is 2\n#### 2"},
     [user("1+1?"), bot("the sum is 2\n#### 2")], ""),
    ("preference", {"prompt": "Hi", "chosen": "the good", "rejected": "the bad"},
     [user("Hi"), bot("the good")], ""),
]
CHATS = [
    [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say\n\"it\"."},
     {"role": "assistant", "content": "It."}, {"role": "user", "content": "And"},
     {"role": "user", "content": "again?"}, {"role": "assistant", "content": "Again."}],
]
TEMPLATES = {
    "user_assistant": "user_assistant",
    "alpaca": "alpaca",
    "chatml": "<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n{response}<|im_end|>",
}


def rows_of(program, path, tokenizer, template="user_assistant", train_on="responses"):
    result = subprocess.run([program, path, tokenizer, END, template, train_on],
                            capture_output=True, text=True)
    assert result.returncode == 0, (path, result.stderr)
    return [json.loads(line) for line in result.stdout.splitlines()]


def check_forms(program, folder):
    path = os.path.join(folder, "tokenizer.json")
    tokenizer = make_tokenizer(path)
    rows = os.path.join(folder, "rows.jsonl")
    with open(rows, "w", encoding="utf-8") as file:
        for _, row, _, _ in CASES:
            file.write(json.dumps(row) + "\n")
    for name, template in TEMPLATES.items():
        rendering = Rendering(tokenizer, name)
        for train_on in ("responses", "last_response"):
            ours = rows_of(program, rows, path, template, train_on)
            assert len(ours) == len(CASES)
            for got, (form, row, messages, system) in zip(ours, CASES):
                last = len(messages) - 1
                learn = ((lambda i, m: i == last) if train_on == "last_response" else
                         (lambda i, m: m.get("learn", True)))
                ids, target = rendering.example(messages, system, learn)
                assert got["form"] == form, (form, got["form"])
                assert got["ids"] == ids, (name, train_on, row, got["ids"], ids)
                assert got["target"] == target, (name, train_on, row, got["target"], target)
    print(f"{len(CASES)} rows in {len(TEMPLATES)} templates: the same ids and targets")


def check_chat_templates(program, folder):
    """The chat template of a run renders, as transformers does it, what an example has."""
    path = os.path.join(folder, "tokenizer.json")
    tokenizer = make_tokenizer(path)
    rows = os.path.join(folder, "chats.jsonl")
    with open(rows, "w", encoding="utf-8") as file:
        for chat in CHATS:
            file.write(json.dumps({"messages": chat}) + "\n")
    loaded = PreTrainedTokenizerFast(tokenizer_file=path)
    for template in TEMPLATES.values():
        text = subprocess.run([program, "--chat-template", template, END], capture_output=True,
                              text=True, check=True).stdout
        for got, chat in zip(rows_of(program, rows, path, template), CHATS):
            rendered = loaded.apply_chat_template(chat, chat_template=text, tokenize=False)
            assert rendered == tokenizer.decode(got["ids"], skip_special_tokens=False), (
                template, chat, rendered)
            asked = loaded.apply_chat_template(chat[:-1], chat_template=text, tokenize=False,
                                               add_generation_prompt=True)
            assert rendered.startswith(asked), (template, chat, asked)
    print(f"{len(CHATS)} conversations in {len(TEMPLATES)} chat templates: the same text")


CELLS = [["007", "NaN"], ["a,b;c\td", 'say "so"'], ["two\nlines", "\r\nthe end\r\n"], ["", " x "],
         ['"', '""'], ["null", "the\u2028line"], ["=1+1", "'"]]
DIALECTS = {"rows.csv": {}, "rows.tsv": {"delimiter": "\t"},
            "semicolons.csv": {"delimiter": ";", "lineterminator": "\n"},
            "rows.csv.gz": {"quoting": csv.QUOTE_ALL}}


def check_tables(program, folder):
    """A table as Python's csv reads it has the rows of its JSON Lines."""
    path = os.path.join(folder, "tokenizer.json")
    make_tokenizer(path)
    for name, dialect in DIALECTS.items():
        table, lines = os.path.join(folder, name), os.path.join(folder, "lines.jsonl")
        opened = gzip.open if name.endswith(".gz") else open
        with opened(table, "wt", encoding="utf-8", newline="") as file:
            csv.writer(file, **dialect).writerows([["prompt", "response"], *CELLS])
        reading = {key: value for key, value in dialect.items() if key == "delimiter"}
        with (opened(table, "rt", encoding="utf-8", newline="") as file,
              open(lines, "w", encoding="utf-8") as out):
            for row in csv.DictReader(file, **reading):
                out.write(json.dumps(row) + "\n")
        ours = rows_of(program, table, path)
        assert len(ours) == len(CELLS) and ours == rows_of(program, lines, path), name
    print(f"{len(CELLS)} rows in {len(DIALECTS)} kinds of CSV: the same ids and targets")


# Rows, and the form of all of them, of real files that are read whole.
REAL = {
    "oig/training_text_example.txt": (4, "marked_text"),
    "instruct/gsm8k/train.jsonl": (7473, "question_answer"),
    "instruct/dolly_hhrlhf/dolly_hhrlhf_train_small.jsonl": (1000, "prompt_response"),
    "instruct/fastchat/dummy_conversation.json": (500, "conversations"),
    "instruct/self-instruct/seed_tasks.jsonl": (175, "instances"),
    "instruct/self-instruct/user_oriented_instructions.jsonl": (252, "instances"),
    "instruct/torchtune/hh_rlhf_tiny.json": (1, "preference"),
}


def check_real(program, data):
    tokenizer = os.path.join(data, "tokenizer/phi-2/tokenizer.json")
    for name, (count, form) in REAL.items():
        rows = rows_of(program, os.path.join(data, name), tokenizer)
        assert len(rows) == count, (name, len(rows))
        assert {row["form"] for row in rows} == {form}, name
        assert all(sum(row["target"]) > 1 for row in rows), name
    check_oig(program, data, tokenizer)
    print(f"{len(REAL)} real files read whole")


def check_oig(program, data, path):
    """LAION's own text, split as its markers say."""
    name = os.path.join(data, "oig/training_text_example.txt")
    rendering = Rendering(Tokenizer.from_file(path), "user_assistant")
    with open(name, encoding="utf-8") as file:
        texts = [text for text in file.read().split(END) if text.strip()]
    for got, text in zip(rows_of(program, name, path), texts):
        assert (got["ids"], got["target"]) == rendering.example(marked(text, "User:", "Joi:"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--data", default=os.environ.get("TUNE_SHARED_DATA", ""))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        check_forms(args.program, folder)
        check_chat_templates(args.program, folder)
        check_tables(args.program, folder)
    if args.data and os.path.isdir(args.data):
        check_real(args.program, args.data)
    else:
        print("no shared test data: real files are not read")


if __name__ == "__main__":
    sys.exit(main())
