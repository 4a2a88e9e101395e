"""Prints the SHA-256 that tests/unit/recipe/model_folder_test.cc expects of the weights drawn for
seed 0: the generators of base/random.h and the layout of safetensors, written anew.

    python tests/oracle/make_init_digest.py
"""

import hashlib
import json
import math
import struct

MASK = (1 << 64) - 1
# As in the test's config.json: one layer of a Phi model.
VOCAB, HIDDEN, INTERMEDIATE, RANGE = 258, 8, 16, 0.02


def splitmix64(state):
    """Steele, Lea & Flood, 2014: the next state and its output."""
    state = (state + 0x9E3779B97F4A7C15) & MASK
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return state, z ^ (z >> 31)


def rotl(x, k):
    return ((x << k) | (x >> (64 - k))) & MASK


class Xoshiro256:
    """xoshiro256** (Blackman & Vigna, 2018), its state drawn from the key."""

    def __init__(self, key):
        state = 0
        for part in key:
            state, output = splitmix64((state + part) & MASK)
            state = output
        self.s = []
        for _ in range(4):
            state, word = splitmix64(state)
            self.s.append(word)
        self.spare = None

    def uniform(self):
        s = self.s
        result = (rotl((s[1] * 5) & MASK, 7) * 9) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)
        return (result >> 11) * 2.0**-53

    def normal(self):
        """Marsaglia's polar method."""
        if self.spare is not None:
            value, self.spare = self.spare, None
            return value
        while True:
            u, v = 2 * self.uniform() - 1, 2 * self.uniform() - 1
            s = u * u + v * v
            if 0 < s < 1:
                break
        factor = math.sqrt(-2 * math.log(s) / s)
        self.spare = v * factor
        return u * factor


def fnv1a(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def tensors():
    """Names and shapes in the order of a forward pass."""
    def affine(name, *shape):
        return [(name + ".weight", list(shape)), (name + ".bias", list(shape[:1]))]

    layer = "model.layers.0."
    named = [("model.embed_tokens.weight", [VOCAB, HIDDEN])]
    named += affine(layer + "input_layernorm", HIDDEN)
    for part in ("q_proj", "k_proj", "v_proj", "dense"):
        named += affine(layer + "self_attn." + part, HIDDEN, HIDDEN)
    named += affine(layer + "mlp.fc1", INTERMEDIATE, HIDDEN)
    named += affine(layer + "mlp.fc2", HIDDEN, INTERMEDIATE)
    named += affine("model.final_layernorm", HIDDEN)
    return named + affine("lm_head", VOCAB, HIDDEN)


def values(name, shape):
    count = math.prod(shape)
    if len(shape) == 2:
        random = Xoshiro256([0, fnv1a(name)])
        return [random.normal() * RANGE for _ in range(count)]
    return [1.0 if name.endswith("layernorm.weight") else 0.0] * count


def main():
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, shape in tensors():
        packed = struct.pack(f"<{math.prod(shape)}f", *values(name, shape))
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    print(hashlib.sha256(struct.pack("<Q", len(text)) + text + data).hexdigest())


main()
