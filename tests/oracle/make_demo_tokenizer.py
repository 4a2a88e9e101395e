#!/usr/bin/env python3
"""Writes deploy/demo/tokenizer.json: byte-level BPE of the demo's dataset, in the form of
GPT-2's (the 256 bytes are all in it, so any text can be encoded).

Needs: pip install 'tokenizers==0.23.*'. With --check, compares instead of writing.
"""
import argparse
import json
import pathlib
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

DEMO = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "demo"
OUTPUT = DEMO / "tokenizer.json"
END = "<|endoftext|>"
VOCABULARY = 1024


def texts():
    for line in (DEMO / "dataset.jsonl").read_text().splitlines():
        row = json.loads(line)
        yield f"User: {row['prompt']}\n\nAssistant: {row['response']}"


def train():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts(),
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=[END],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    written = json.loads(tokenizer.to_str())
    # One line a merge, as in GPT-2's own file; no token holds a space.
    written["model"]["merges"] = [" ".join(pair) for pair in written["model"]["merges"]]
    return json.dumps(written, ensure_ascii=False, indent=1) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    written = train()
    if not parser.parse_args().check:
        OUTPUT.write_text(written)
    elif OUTPUT.read_text() != written:
        sys.exit(f"{OUTPUT} is not what this script makes")


if __name__ == "__main__":
    main()
