"""Loads a pulled checkpoint in transformers and compares its logits with tune-trainer's.

Usage: pulled_folder.py --model DIR --trainer PATH
The folder must load by AutoModelForCausalLM and AutoTokenizer as it is; the logits of
every position of a few texts must agree within 1e-4 of the largest one.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = [
    "User: How many legs do three dogs have?\n\nAssistant:",
    "A",
    "Naïve café — 12 × 7 = 84.   Three spaces,\tand a tab.",
]


def trainer_logits(trainer, model, text):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "logits.safetensors")
        subprocess.run([trainer, "logits", "--model", model, "--prompt", text, "--raw",
                        "--device", "cpu", "--out", out], check=True)
        return load_file(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--trainer", required=True)
    args = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32)
    model.eval()
    worst = 0.0
    for text in TEXTS:
        ours = trainer_logits(args.trainer, args.model, text)
        ids = tokenizer(text, return_tensors="pt").input_ids
        assert ours["ids"].flatten().tolist() == ids[0].tolist(), f"token ids differ for {text!r}"
        with torch.no_grad():
            theirs = model(ids).logits[0]
        logits = ours["logits"].reshape(theirs.shape).float()
        worst = max(worst, ((logits - theirs).abs().max() / theirs.abs().max()).item())
    print(f"largest difference of logits: {worst:.2e} of the largest logit")
    sys.exit(0 if worst < 1e-4 else 1)


if __name__ == "__main__":
    main()
