#!/usr/bin/env python3
"""Compares our tokenizer with HF tokenizers: ids, ids with special tokens taken as text,
and the text decoded from them, on real texts, on random ones and on every code point.

Needs: pip install 'tokenizers==0.23.*', the program encode_lines (tests/oracle), and the
real data ($TUNE_SHARED_DATA, by default ../shared/data beside the repository).
Prints the number of differences; exits with 1 if there is any.
"""
import argparse
import array
import itertools
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("TUNE_SHARED_DATA", ROOT.parent / "shared" / "data"))
REAL = ["instruct", "eval", "oig", "robustness", "tokenizer/gpt2/golden"]
BATCH = 100000
CODE_POINTS_PER_TEXT = 32


def strings_in(value):
    if isinstance(value, str):
        yield value.encode("utf-8", "surrogatepass")
    elif isinstance(value, dict):
        for v in value.values():
            yield from strings_in(v)
    elif isinstance(value, list):
        for v in value:
            yield from strings_in(v)


def json_strings(raw, path):
    """The strings inside a JSON or JSON Lines file; none of what does not parse."""
    documents = [raw] if path.suffix == ".json" else raw.splitlines()
    for document in documents if path.suffix in (".json", ".jsonl") else []:
        try:
            yield from strings_in(json.loads(document))
        except (ValueError, RecursionError):
            pass


def real_texts():
    """Every file whole, every line of it, and every string in it."""
    for folder in REAL:
        for path in sorted(p for p in (DATA / folder).rglob("*") if p.is_file()):
            raw = path.read_bytes()
            yield raw
            yield from raw.splitlines(keepends=True)
            yield from json_strings(raw, path)


ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "0123456789٠١٢٣²½Ⅷ፩၁〇",
    " \t\n\r\x0b\x0c\x85\xa0\u1680\u180e\u2003\u2028\u2029\u200b\u202f\u205f\u3000\ufeff",
    "'\"`´’.,:;!?-_()[]{}<>/\\|@#$%^&*+=~",
    "".join(map(chr, range(0x00, 0x20))) + "\x7f\x80\x9f\xad",
    "éèüßñøåÆçğıİſœ\u0301\u0308\u0327\u20dd\u200d\ufe0f",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяЁЇ",
    "αβγδεζηθικλμνξοπρστυφχψω",
    "אבגדהוזחטיכלמנסעפצקרשת\u05b0\u05b8",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهوي\u064b\u0651\u0640",
    "अआइईउकखगघचछज\u093e\u093f\u094d",
    "กขฃคฅฆงจฉ\u0e31\u0e34\u0e48",
    "你好世界中文字符测试日本語ひらがなカタカナ한국어조선글",
    "😀😁👍🏽👨‍👩‍👧‍👦🇩🇪🏳️‍🌈❤️",
    "𝒜𝓑𝔄𝟘𝟙𐍈𐎠𒀀𓀀🄰\U0002070e\U000e0041\U0010fffd",
]
PIECES = ["<|endoftext|>", "<|endoftext|", "|endoftext|>", "<|endoftext|><|endoftext|>", "'s", "'re",
          "'ll", "'LL", "'d", " '", "''s", "\r\n", "\n\n", "  ", "\t\t", " the", "https://", "ing"]


def random_character(rng):
    c = rng.randrange(0x110000)
    return chr(c) if not 0xD800 <= c < 0xE000 else " "


def random_run(rng):
    kind = rng.randrange(10)
    if kind == 0:
        return rng.choice(PIECES)
    if kind == 1:
        return " " * rng.choice([1, 2, 3, 9, 30, 31, 32, 33, 62, 63, rng.randrange(1, 100)])
    if kind == 2:
        return "\t" * rng.randrange(1, 25)
    if kind == 3:
        return random_character(rng) * rng.choice([1, 1, 2, 40])
    if kind == 4:
        return rng.choice(rng.choice(ALPHABETS)) * rng.randrange(1, 30)
    alphabet = rng.choice(ALPHABETS)
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 12)))


def random_texts(count, seed):
    rng = random.Random(seed)
    for n in range(count):
        text = "".join(random_run(rng) for _ in range(rng.randrange(1, 12))).encode()
        if n % 50 == 0:  # bytes that are not UTF-8
            broken = bytearray(text)
            for _ in range(rng.randrange(1, 6)):
                broken.insert(rng.randrange(len(broken) + 1), rng.randrange(256))
            text = bytes(broken)
        yield text


def code_point_texts():
    """Each code point between letters, numbers, spaces and others of its kind."""
    everything = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    yield "".join(everything).encode()
    for first in range(0, len(everything), CODE_POINTS_PER_TEXT):
        some = everything[first:first + CODE_POINTS_PER_TEXT]
        yield "".join(f"a{c}a {c}1{c}{c} \n{c}\n{c}!" for c in some).encode()


def codegen_texts():
    """CodeGen2's own tokens, alone, doubled and inside words."""
    tokens = json.loads((DATA / "tokenizer/codegen2-1B/added_tokens.json").read_text())
    for token in tokens:
        yield f"a{token}b {token} {token}{token}{token[:-1]}".encode()


def hostile_texts():
    n = 1 << 20
    for unit in ["a", " ", "\n", "\t", "1", "!", "\u0301", "ab", "e\u0301", "é", "中", "\U0001f600",
                 " \n", "<|endoftext|", "'s", "\xa0"]:
        yield (unit * (n // len(unit.encode()))).encode()


def batches(texts):
    batch, size = [], 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if len(batch) == BATCH or size > 1 << 24:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def id_bytes(ids):
    return array.array("i", ids).tobytes().hex()


def hex_of(text):
    return text.encode().hex()


def readable(fields):
    ids, ordinary, text, clean = map(bytes.fromhex, fields)
    return [list(array.array("i", ids))[:40], list(array.array("i", ordinary))[:40],
            text.decode()[:100], clean.decode()[:100]]


class Oracle:
    def __init__(self, program, tokenizer_json):
        self.program, self.path = program, str(tokenizer_json)
        self.tokenizer = Tokenizer.from_file(self.path)
        self.seen = set()
        self.texts = self.differences = 0

    def ours(self, batch):
        lines = b"".join(t.hex().encode() + b"\n" for t in batch)
        done = subprocess.run([self.program, self.path], input=lines, capture_output=True)
        if done.returncode != 0:
            sys.exit(f"{self.program}: {done.stderr.decode()}")
        for line in done.stdout.decode().split("\n")[:-1]:
            ids, ordinary, text, clean = line.split("|")
            yield ids, ids if ordinary == "=" else ordinary, text, text if clean == "=" else clean

    def theirs(self, batch):
        """Where no special token can be in a text, taking them as text changes nothing, and
        there is none to leave out: half of the work is spared."""
        texts = [t.decode("utf-8", "replace") for t in batch]
        ids = self.encode(texts)
        fields = [[id_bytes(i), id_bytes(i), hex_of(text), hex_of(text)]
                  for i, text in zip(ids, self.tokenizer.decode_batch(ids, False))]
        some = [i for i, text in enumerate(texts) if "<|" in text]
        ordinary = self.encode([texts[i] for i in some], specials=False)
        clean = self.tokenizer.decode_batch([ids[i] for i in some], True)
        for i, special, text in zip(some, ordinary, clean):
            fields[i][1], fields[i][3] = id_bytes(special), hex_of(text)
        return map(tuple, fields)

    def encode(self, texts, specials=True):
        self.tokenizer.encode_special_tokens = not specials
        return [e.ids for e in self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    def unseen(self, texts):
        for text in texts:
            if text not in self.seen:
                self.seen.add(text)
                yield text

    def compare(self, name, texts):
        count = differences = 0
        for batch in batches(self.unseen(texts)):
            for text, ours, theirs in zip(batch, self.ours(batch), self.theirs(batch), strict=True):
                count += 1
                if ours != theirs:
                    differences += 1
                    if differences <= 5:
                        print(f"DIFFERENT {text[:200]!r}\n  ours   {readable(ours)}\n"
                              f"  theirs {readable(theirs)}")
        print(f"{name}: {count} texts, {differences} differences", flush=True)
        self.texts += count
        self.differences += differences


def variants(folder):
    """Phi-2's tokenizer with other options set, to see each of them compared."""
    base = json.loads((DATA / "tokenizer/phi-2/tokenizer.json").read_text())

    def save(name, change):
        tokenizer = json.loads(json.dumps(base))
        change(tokenizer)
        path = pathlib.Path(folder) / f"{name}.json"
        path.write_text(json.dumps(tokenizer))
        return name, path

    def pairs(t):
        t["model"]["merges"] = [m.split(" ") for m in t["model"]["merges"]]

    def strips(t):
        for token in t["added_tokens"]:
            token["lstrip"] = token["special"]
            token["rstrip"] = token["id"] % 2 == 0
        t["added_tokens"] += [
            {"id": 50295, "content": "<|sep|>", "special": False, "normalized": False, "lstrip": True,
             "rstrip": True, "single_word": False},
            {"id": 50296, "content": "<|endoftext|><|end", "special": True, "normalized": False,
             "lstrip": False, "rstrip": False, "single_word": False}]

    yield save("merges as pairs", pairs)
    yield save("add_prefix_space", lambda t: t["pre_tokenizer"].update(add_prefix_space=True))
    yield save("no regex", lambda t: t["pre_tokenizer"].update(use_regex=False))
    yield save("ignore_merges", lambda t: t["model"].update(ignore_merges=True))
    yield save("no added tokens", lambda t: t.update(added_tokens=[]))
    yield save("lstrip and rstrip", strips)


def relatives(folder):
    """GPT-2's tokenizer, of its own files, and CodeGen2's, which adds tokens to it."""
    files = DATA / "tokenizer/phi-2"
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                  "use_regex": True}
    merges = (files / "merges.txt").read_text().splitlines()[1:]
    added = [{"id": 50256, "content": "<|endoftext|>", "single_word": False, "lstrip": False,
              "rstrip": False, "normalized": False, "special": True}]
    codegen = json.loads((DATA / "tokenizer/codegen2-1B/added_tokens.json").read_text())
    for name, more in [("gpt2", {}), ("codegen2", codegen)]:
        tokens = added + [{"id": id, "content": content, "single_word": False, "lstrip": False,
                           "rstrip": False, "normalized": True, "special": False}
                          for content, id in sorted(more.items(), key=lambda item: item[1])]
        path = pathlib.Path(folder) / f"{name}.json"
        path.write_text(json.dumps({
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens,
            "normalizer": None, "pre_tokenizer": byte_level, "post_processor": byte_level,
            "decoder": byte_level,
            "model": {"type": "BPE", "vocab": json.loads((files / "vocab.json").read_text()),
                      "merges": merges}}))
        yield name, path


def golden_differences(path):
    """HF's ids, with which ours agree, against those published for GPT-2's vocabulary."""
    golden = DATA / "tokenizer/gpt2/golden"
    texts = (golden / "ggml-vocab-gpt-2.gguf.inp").read_text().split("\n__ggml_vocab_test__\n")
    lines = (golden / "ggml-vocab-gpt-2.gguf.out").read_text().splitlines()
    tokenizer = Tokenizer.from_file(str(path))
    wrong = [text for text, line in zip(texts, lines)
             if tokenizer.encode(text).ids != [int(id) for id in line.split()]]
    print(f"golden ids of gpt2: {len(lines)} texts, {len(wrong)} differences")
    return len(wrong)


def speed(program, tokenizer_json):
    """MB/s of processor time on GSM8K, in turns; best of five. HF at its
    fastest: one batch, no offsets, one thread."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    rows = [json.loads(r) for r in (DATA / "instruct/gsm8k/train.jsonl").open()]
    texts = [r["question"] + "\n\n" + r["answer"] for r in rows]
    lines = b"".join(t.encode().hex().encode() + b"\n" for t in texts)
    tokenizer = Tokenizer.from_file(str(tokenizer_json))
    ours, theirs = [], []
    for _ in range(5):
        done = subprocess.run([program, str(tokenizer_json)], input=lines, capture_output=True)
        size, seconds = done.stderr.decode().split()
        ours.append(float(size) / float(seconds) / 1e6)
        start = time.process_time()
        tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        theirs.append(float(size) / (time.process_time() - start) / 1e6)
    print(json.dumps({"text": "gsm8k train", "unit": "MB per second of processor time",
                      "tune": round(max(ours), 1), "hf_tokenizers": round(max(theirs), 1),
                      "ratio": round(max(ours) / max(theirs), 1)}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=str(ROOT / "build/release/tests/encode_lines"))
    parser.add_argument("--random", type=int, default=104000,
                        help="how many random texts, of which some come twice")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", action="store_true", help="measure instead of comparing")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"skipped: no data at {DATA}; set TUNE_SHARED_DATA")
        sys.exit(77)
    phi = DATA / "tokenizer/phi-2/tokenizer.json"
    if arguments.speed:
        return speed(arguments.program, phi)
    oracle = Oracle(arguments.program, phi)
    oracle.compare("real texts", real_texts())
    oracle.compare("random texts", random_texts(arguments.random, arguments.seed))
    oracle.compare("code points", code_point_texts())
    oracle.compare("long runs", hostile_texts())
    total = oracle.texts
    differences = oracle.differences
    with tempfile.TemporaryDirectory() as folder:
        for name, path in [*variants(folder), *relatives(folder)]:
            variant = Oracle(arguments.program, path)
            texts = random_texts(arguments.random // 10, arguments.seed + 1)
            words = codegen_texts() if name == "codegen2" else []
            variant.compare(name, itertools.chain(texts, words))
            total += variant.texts
            differences += variant.differences
            if name == "gpt2":
                differences += golden_differences(path)
    print(f"{differences} differences in {total} texts")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
