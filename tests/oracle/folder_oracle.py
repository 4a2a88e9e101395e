"""Model folders of odd but good forms: tune-trainer gives the logits that transformers gives.

Usage: folder_oracle.py --trainer PATH

Each form is made of a small random Phi model: weights that begin at an odd byte, a tied head that
is stored as well, buffers of older versions, norms or the head in fp32 beside bf16 or fp16, other
names of the activation, a config without its class, a padding token of -1, several end tokens.
"""
import argparse
import json
import os
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from trainer_oracle import BYTES, ids_argument, random_model, relative, report, run

WEIGHTS = "model.safetensors"


def rewrite(folder, change):
    """Changes the tensors of a folder, a dict by name."""
    path = os.path.join(folder, WEIGHTS)
    tensors = load_file(path)
    tensors = change(tensors) or tensors
    save_file(tensors, path, metadata={"format": "pt"})


def set_config(folder, **fields):
    path = os.path.join(folder, "config.json")
    with open(path) as file:
        config = json.load(file)
    for name, value in fields.items():
        config[name] = value
        if value is ...:
            del config[name]
    with open(path, "w") as file:
        json.dump(config, file)


def begin_at_an_odd_byte(folder):
    """One space more in the header, which the format lets be of any length."""
    path = os.path.join(folder, WEIGHTS)
    with open(path, "rb") as file:
        content = file.read()
    size = int.from_bytes(content[:8], "little")
    with open(path, "wb") as file:
        file.write((size + 1).to_bytes(8, "little") + content[8:8 + size] + b" " +
                   content[8 + size:])


def store_the_tied_head(folder):
    rewrite(folder, lambda tensors: tensors.update(
        {"lm_head.weight": tensors["model.embed_tokens.weight"].clone()}))


def add_buffers(folder):
    rewrite(folder, lambda tensors: tensors.update({
        "model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(8),
        "model.layers.0.self_attn.attn.bias": torch.ones(1, 1, 16, 16).tril().bool(),
        "model.layers.0.self_attn.masked_bias": torch.tensor(-1e4)}))


def mix(dtype, part):
    def change(folder):
        rewrite(folder, lambda tensors: {
            name: tensor if part in name else tensor.to(dtype)
            for name, tensor in tensors.items()})
    return change


def configure(**fields):
    return lambda folder: set_config(folder, **fields)


# (label, is the head tied, what is done to the folder)
FORMS = [
    ("as saved", False, lambda folder: None),
    ("data at an odd byte", False, begin_at_an_odd_byte),
    ("tied head stored as well", True, store_the_tied_head),
    ("buffers", False, add_buffers),
    ("bf16 with fp32 norms", False, mix(torch.bfloat16, "layernorm")),
    ("fp16 with an fp32 head", False, mix(torch.float16, "lm_head")),
    ("gelu_pytorch_tanh", False, configure(hidden_act="gelu_pytorch_tanh")),
    ("gelu_fast", False, configure(hidden_act="gelu_fast")),
    ("gelu_accurate", False, configure(hidden_act="gelu_accurate")),
    ("gelu_python_tanh", False, configure(hidden_act="gelu_python_tanh")),
    ("no architectures", False, configure(architectures=...)),
    ("the body's class", False, configure(architectures=["PhiModel"])),
    ("pad_token_id -1", False, configure(pad_token_id=-1)),
    ("several end tokens", False, configure(eos_token_id=[256, 65])),
]


def logits_of(trainer, folder, ids, scratch):
    out = os.path.join(scratch, "logits.safetensors")
    run(trainer, "logits", "--model", folder, "--device", "cpu", "--precision", "fp32",
        ids_argument([ids]), "--out", out)
    return load_file(out)["logits"]


def check(trainer, label, tied, change):
    with tempfile.TemporaryDirectory() as scratch:
        folder = os.path.join(scratch, "model")
        random_model(folder, dict(hidden_size=64, num_attention_heads=4, tie_word_embeddings=tied))
        change(folder)
        ids = torch.randint(0, BYTES, (37,), generator=torch.Generator().manual_seed(2)).tolist()
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        with torch.no_grad():
            theirs = model(torch.tensor([ids])).logits[0]
        error = relative(logits_of(trainer, folder, ids, scratch), theirs)
        return report(error < 1e-5, f"{label}: logits {error:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainer", required=True)
    args = parser.parse_args()
    logging.disable_progress_bar()
    torch.set_num_threads(int(os.environ.get("ORACLE_THREADS", "2")))
    failed = [check(args.trainer, *form) for form in FORMS]
    sys.exit(1 if any(failed) else 0)


if __name__ == "__main__":
    main()
