"""Compares rows in a model's own chat template with transformers' apply_chat_template.

Usage: chat_template_oracle.py --program PATH --templates DIR

DIR has the chat templates of public models, a .jinja file each. For every template and conversation
the text, its ids and what of it is learned must be as computed here from transformers' own
rendering: what {% generation %} marks, or what a generation prompt asks for. Where transformers
raises an exception, or an answer has no such place, the row must be refused.
"""
import argparse
import collections
import datetime
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

from tokenizers import AddedToken, Tokenizer
from transformers.utils import chat_template_utils
from transformers.utils.chat_template_utils import render_jinja_template

from dataset_oracle import make_tokenizer

class TrainingDate(datetime.datetime):
    """The one date that a template is told in training."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26)


chat_template_utils.datetime = TrainingDate
BOS, EOS = "<|startoftext|>", "<|endoftext|>"
# How templates write their special tokens.
SPECIAL = re.compile(r"<\|[\w/ ]+?\|>|<｜[^｜\s]+｜>|</?\w+_of_(?:turn|sentence)>|<SPECIAL_\d+>|"
                     r"\[/?[A-Z][A-Z_]+\]|\[(?:gMASK|sop)\]|\]~!?b\[?|\[e~\[|</?(?:assistant|user)>|"
                     r"<seed:\w+>|<turn\|>|<\|turn>|</?(?:start|end)_of_role>")


def user(text):
    return {"role": "user", "content": text}


def bot(text, **more):
    return {"role": "assistant", "content": text, **more}


WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "The weather in a city, \"now\"",
    "parameters": {"type": "object", "properties": {
        "city": {"type": "string", "description": "Köln <or> another"},
        "days": {"type": "integer"}}, "required": ["city"]}}}
CALL = {"name": "get_weather", "arguments": {"city": "Köln", "days": 3}}
ASKED = {"type": "function", "id": "call00001", "function": CALL}

# A row, and its messages and tools as transformers takes them where they differ.
CASES = {
    "one turn": {"messages": [user("Hi there"), bot("Hello.")]},
    "system": {"messages": [{"role": "system", "content": "Be brief."}, user("Say\n\"it\"."),
                            bot(" It. "), user("And again?"), bot("Again.\n")]},
    "unicode": {"messages": [user("Grüße 你好 🙂 <b>&amp;'"), bot("naïve — ok\n\n- a\n- b")]},
    "three turns": {"messages": [user("a"), bot("b"), user("c"), bot("d"), user("e"), bot("f")]},
    "thinking": {"messages": [user("a"), bot("<think>\nhm\n</think>\n\nb"), user("c"),
                              bot("<think>\noh\n</think>\n\nd")]},
    "tools": {"messages": [user("The weather?"), bot("", tool_calls=[{"type": "function",
                                                                    "function": CALL}]),
                           {"role": "tool", "content": "{\"degrees\": 20}"}, bot("It is 20.")],
              "tools": [WEATHER]},
}
# Where transformers renders what the engine does not, or the other way round.
KNOWN = {
    # Jinja's own tojson escapes HTML, and this template calls it in a macro.
    "meetkai-functionary-medium-v3.1": "escapes HTML",
    "llama-cpp-deepseek-r1": "writes a generator as JSON",
}


def as_transformers(case):
    messages = json.loads(json.dumps(case["messages"]))
    for message in messages:
        if "tool_calls" in message:
            message["tool_calls"] = [ASKED]
        if message["role"] == "tool":
            message.update(name="get_weather", tool_call_id="call00001")
    return messages, case.get("tools")


class Template:
    def __init__(self, text):
        self.text = text
        self.marks = re.search(r"\{%-?\s*generation\s*-?%\}", text) is not None

    def render(self, messages, tools, prompt=False, indices=False):
        texts, spans = render_jinja_template(
            conversations=[messages], tools=tools, chat_template=self.text, bos_token=BOS,
            eos_token=EOS, add_generation_prompt=prompt, return_assistant_tokens_mask=indices)
        return (texts[0], spans[0]) if indices else texts[0]

    def spans(self, messages, tools, whole, train_on):
        """Characters of each learned answer; None where one has no place of its own."""
        answers = [i for i, m in enumerate(messages) if m["role"] == "assistant"]
        learned = answers if train_on == "responses" else answers[-1:]
        if self.marks:
            marked = self.render(messages, tools, indices=True)[1]
            if len(marked) != len(answers):
                return None
            return [marked[answers.index(i)] for i in learned]
        spans = []
        for i in learned:
            prompt = self.render(messages[:i], tools, prompt=True)
            answered = self.render(messages[:i + 1], tools)
            if not whole.startswith(answered):
                answered = answered.removesuffix(EOS)
            if not answered.startswith(prompt) or not whole.startswith(answered):
                return None
            spans.append((len(prompt), len(answered)))
        return spans


def expected(template, tokenizer, case, train_on):
    """Ids and targets, or None where the row is to be refused."""
    messages, tools = as_transformers(case)
    try:
        whole = template.render(messages, tools)
        spans = template.spans(messages, tools, whole, train_on)
    except Exception:  # the template's own, of whatever type
        return None
    specials = {t.content for t in tokenizer.get_added_tokens_decoder().values() if t.special}
    if spans is None or any(m["content"].split("</think>")[-1].strip() not in whole
                            for m in messages if m["role"] in ("system", "user", "assistant")):
        return None
    if tools and "get_weather" not in whole.replace("get_weather\"}", ""):
        return None
    ids, targets, at = [], [], 0
    for begin, end in spans + [(len(whole), len(whole))]:
        before = tokenizer.encode(whole[at:begin], add_special_tokens=False).ids
        answer = tokenizer.encode(whole[begin:end], add_special_tokens=False)
        last = max((i for i, t in enumerate(answer.tokens) if t in specials), default=-1)
        rest = tokenizer.decode(answer.ids[last + 1:], skip_special_tokens=False)
        if begin < end and (last < 0 or rest.strip()):
            return None
        ids += before + answer.ids
        targets += [0] * len(before) + [int(i <= last) for i in range(len(answer.ids))]
        at = end
    return ids, targets


def write_model(folder, text):
    path = os.path.join(folder, "tokenizer.json")
    make_tokenizer(path)
    tokenizer = Tokenizer.from_file(path)
    specials = [BOS, EOS] + sorted(set(SPECIAL.findall(text)))
    # What a template puts together of a role.
    specials += [f"<|{role}|>" for role in ("user", "assistant", "system")]
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in specials])
    tokenizer.save(path)
    with open(os.path.join(folder, "chat_template.jinja"), "w", encoding="utf-8") as file:
        file.write(text)
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump({"bos_token": BOS, "eos_token": {"content": EOS}}, file)
    return path, Tokenizer.from_file(path)


def run(program, rows, path, train_on):
    result = subprocess.run([program, rows, path, EOS, "chat", train_on], capture_output=True,
                            text=True)
    if result.returncode != 0:
        return result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def check(program, name, text, folder, train_on, outcomes):
    path, tokenizer = write_model(folder, text)
    rows = os.path.join(folder, "rows.jsonl")
    with open(rows, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(case) + "\n" for case in CASES.values())
    got = run(program, rows, path, train_on)
    if isinstance(got, str):
        outcomes[name] = [got]
        got = [{"error": got}] * len(CASES)
    for row, (title, case) in zip(got, CASES.items()):
        want = expected(Template(text), tokenizer, case, train_on)
        if want is None:
            assert "error" in row or name in KNOWN, (name, title, row)
        elif name not in KNOWN or "error" not in row:
            assert "error" not in row, (name, title, row["error"])
            same = (row["ids"], row["target"]) == want
            assert same or name in KNOWN, (name, title, tokenizer.decode(want[0], False),
                                           tokenizer.decode(row["ids"], False), want, row)
        outcomes[name].append("same" if "error" not in row else row["error"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--templates", required=True)
    parser.add_argument("--verbose", action="store_true", help="why rows are refused")
    args = parser.parse_args()
    files = sorted(glob.glob(os.path.join(args.templates, "*.jinja")))
    assert len(files) > 60, f"{args.templates}: {len(files)} templates"
    for train_on in ("responses", "last_response"):
        outcomes = collections.defaultdict(list)
        for file in files:
            name = os.path.basename(file).removesuffix(".jinja")
            with open(file, encoding="utf-8") as template, tempfile.TemporaryDirectory() as folder:
                check(args.program, name, template.read(), folder, train_on, outcomes)
        report(train_on, outcomes, args.verbose)


def report(train_on, outcomes, verbose):
    equal = [n for n, all_ in outcomes.items() if set(all_) == {"same"}]
    none = [n for n, all_ in outcomes.items() if "same" not in all_]
    reasons = collections.Counter(all_[0].split(" (")[0].split(" at line")[0] for all_ in
                                  (outcomes[n] for n in none))
    print(f"{train_on}: {len(outcomes)} templates, {len(CASES)} conversations: in {len(equal)} all "
          f"are equal, in {len(outcomes) - len(equal) - len(none)} some, none in {len(none)}: "
          f"{dict(reasons)}")
    for name, all_ in outcomes.items():
        refused = {title: why for title, why in zip(CASES, all_) if why != "same"}
        if verbose and refused:
            print(f"  {name}: {json.dumps(refused, ensure_ascii=False)}")
    assert len(equal) >= 30, equal


if __name__ == "__main__":
    sys.exit(main())
