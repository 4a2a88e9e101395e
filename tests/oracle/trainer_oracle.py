"""Compares tune-trainer with transformers' PhiForCausalLM and torch's AdamW on a CPU.

Usage: trainer_oracle.py --trainer PATH --sampler PATH [--data DIR] [PART]...

models: random small Phi models of several shapes: logits, loss, every parameter's
        gradient (fp32 within 1e-5 of the tensor's largest value; bf16 within what bf16
        itself loses against fp32), and greedy text, token by token.
curve:  50 optimizer steps on GSM8K's shortest rows, Phi-2's tokenizer and vocabulary, dropout
        0, against a plain loop: every loss, learning rate and gradient norm within 1e-4
        relative. Needs the shared test data.
generation: the distribution that a token is drawn from, for random logits and settings,
        against transformers' logits processors; greedy replies of several prompts at once,
        with repetition penalty, stop strings and up to the last position, against generate,
        token by token, by models that prefer ids beyond the tokenizer's.
export: what a run saves in each type, in one file and in shards, tied and not: transformers
        loads it and has the same logits within 1e-5; the index is as save_pretrained writes it.
"""
import argparse
import glob
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PhiConfig,
                          PhiForCausalLM, PreTrainedTokenizerFast,
                          get_cosine_schedule_with_warmup)
from transformers.utils import logging

BYTES = 256
EOS = 256
SHAPES = {
    "phi-2's head (80, rotary 0.4)": dict(hidden_size=160, num_attention_heads=2,
                                          partial_rotary_factor=0.4),
    "rotary 0.5": dict(hidden_size=64, num_attention_heads=4, partial_rotary_factor=0.5),
    "grouped keys and values": dict(hidden_size=96, num_attention_heads=6, num_key_value_heads=2),
    "qk_layernorm": dict(hidden_size=64, num_attention_heads=4, qk_layernorm=True),
    "tied embeddings": dict(hidden_size=64, num_attention_heads=4, tie_word_embeddings=True),
    "all at once": dict(hidden_size=160, num_attention_heads=4, num_key_value_heads=2,
                        partial_rotary_factor=0.4, qk_layernorm=True, tie_word_embeddings=True,
                        num_hidden_layers=3),
}


# 27 rows are 6 batches of 4 and one of 3.
CURVE_ROWS, CURVE_BATCH, CURVE_STEPS = 27, 4, 50

# Two roundings to bf16: below this, which of two computations is the nearer is chance.
BF16 = 2 ** -7


def byte_tokenizer(path):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {character: i for i, character in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    assert tokenizer.get_vocab_size() == BYTES + 1
    tokenizer.save(path)


def random_model(folder, shape, seed=0):
    torch.manual_seed(seed)
    config = PhiConfig(**{**dict(vocab_size=272, intermediate_size=96, num_hidden_layers=2,
                                 max_position_embeddings=128, resid_pdrop=0.0, embd_pdrop=0.0,
                                 bos_token_id=EOS, eos_token_id=EOS), **shape})
    model = PhiForCausalLM(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    byte_tokenizer(os.path.join(folder, "tokenizer.json"))
    return model.eval()


def run(trainer, *args):
    done = subprocess.run([trainer, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"{' '.join(args)}: exit {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def relative(actual, expected):
    scale = expected.abs().max().item()
    difference = (actual.double() - expected.double()).abs().max().item()
    return difference / scale if scale > 0 else difference


def reference(model, examples):
    """Loss per target over all examples, gradients, and logits of the first."""
    model.zero_grad()
    targets = sum(len(ids) - 1 for ids in examples)
    total = 0.0
    logits = None
    for ids in examples:
        out = model(torch.tensor([ids])).logits[0]
        logits = out.detach() if logits is None else logits
        total = total + torch.nn.functional.cross_entropy(
            out[:-1].float(), torch.tensor(ids[1:]), reduction="sum")
    loss = total / targets
    loss.backward()
    grads = {name: p.grad.detach().clone() for name, p in model.named_parameters()}
    return loss.item(), grads, logits



def ids_argument(examples):
    flat = []
    for ids in examples:
        flat += ids + [-1]
    return "--ids=" + ",".join(map(str, flat[:-1]))


def compare_precision(trainer, folder, model, examples, precision, scratch):
    loss, grads, logits = reference(model, examples)
    out = os.path.join(scratch, "out.safetensors")
    run(trainer, "gradients", "--model", folder, "--device", "cpu", "--precision", precision,
        ids_argument(examples), "--out", out)
    ours = load_file(out)
    errors = {"loss": abs(ours["loss"].item() - loss) / loss}
    missing = set(grads) - {name[5:] for name in ours if name.startswith("grad.")}
    assert not missing, f"no gradient for {missing}"
    for name, grad in grads.items():
        errors[name] = relative(ours["grad." + name], grad)
    run(trainer, "logits", "--model", folder, "--device", "cpu", "--precision", precision,
        ids_argument(examples[:1]), "--out", out)
    errors["logits"] = relative(load_file(out)["logits"], logits)
    return errors


def bf16_floor(model, examples):
    """What transformers itself loses by computing in bf16."""
    loss, grads, logits = reference(model, examples)
    rounded = type(model)(model.config).to(torch.bfloat16)
    rounded.load_state_dict(model.state_dict())
    rounded.eval()
    loss16, grads16, logits16 = reference(rounded, examples)
    errors = {name: relative(grads16[name].float(), grads[name]) for name in grads}
    errors["loss"] = abs(loss16 - loss) / loss
    errors["logits"] = relative(logits16.float(), logits)
    return errors


# A key's bias shifts every score of a query alike, so its gradient is zero but for
# rounding: held against the query's bias instead.
def is_zero(name):
    return name.endswith("k_proj.bias")


def greedy_text(trainer, folder, model):
    prompt = "abc 12"
    ours = run(trainer, "generate", "--model", folder, "--device", "cpu", "--raw", "--prompt",
               prompt, "--max-new-tokens", "24").decode()[:-1]
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    ids = tokenizer.encode(prompt).ids
    new = []
    with torch.no_grad():
        for _ in range(24):
            logits = model(torch.tensor([ids + new])).logits[0, -1, :BYTES + 1]
            token = int(logits.argmax())
            if token == EOS:
                break
            new.append(token)
    return ours == tokenizer.decode(new), len(new)


def check_models(args):
    failed = False
    for label, shape in SHAPES.items():
        with tempfile.TemporaryDirectory() as scratch:
            folder = os.path.join(scratch, "model")
            model = random_model(folder, shape)
            generator = torch.Generator().manual_seed(1)
            examples = [torch.randint(0, BYTES, (n,), generator=generator).tolist()
                        for n in (41, 7, 2, 23)]
            fp32 = compare_precision(args.trainer, folder, model, examples, "fp32", scratch)
            bf16 = compare_precision(args.trainer, folder, model, examples, "bf16", scratch)
            floor = bf16_floor(model, examples)
            names = [n for n in fp32 if not is_zero(n)]
            worst = max(names, key=lambda n: fp32[n])
            ratio = max(bf16[n] / max(floor[n], BF16) for n in names)
            same, tokens = greedy_text(args.trainer, folder, model)
            good = fp32[worst] < 1e-5 and ratio < 2 and same
            failed |= not good
            print(f"{'ok' if good else 'FAILED'}  {label}: fp32 loss {fp32['loss']:.1e}, logits "
                  f"{fp32['logits']:.1e}, worst gradient {fp32[worst]:.1e} ({worst}); bf16 logits "
                  f"{bf16['logits']:.1e} (transformers {floor['logits']:.1e}), at most "
                  f"{ratio:.2f} x transformers' own error; {tokens} greedy tokens "
                  f"{'equal' if same else 'DIFFER'}", flush=True)
    return failed


def write_run(folder, model, rows_path, spec):
    run_json = {"job": "", "attempt": 1, "spec": spec, "model_path": model,
                "datasets": [{"dataset": "datasets/gsm8k", "path": rows_path, "sha256": ""}],
                "resume_path": "", "parent": "models/oracle", "model_digest": ""}
    os.makedirs(folder)
    with open(os.path.join(folder, "run.json"), "w") as file:
        json.dump(run_json, file)


# torch's clip_grad_norm_, with the squares summed in fp64: in fp32 its sum over the 8 million
# values of an embedding comes out 6e-5 too small.
def clip(parameters, limit):
    grads = [p.grad for p in parameters]
    norm = sum(grad.double().square().sum().item() for grad in grads) ** 0.5
    for grad in grads:
        grad.mul_(min(1.0, limit / (norm + 1e-6)))
    return norm


def plain_loop(model, tokenizer, rows, batches, spec):
    """What a reader would write with transformers and torch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=spec["learning_rate"],
                                  betas=tuple(spec["betas"]), eps=spec["eps"],
                                  weight_decay=spec["weight_decay"])
    steps = len(batches)
    warmup = -(-int(steps * spec["warmup_ratio"] * 1000) // 1000)
    schedule = get_cosine_schedule_with_warmup(optimizer, warmup, steps)
    model.train()
    for batch in batches:
        examples = []
        for row in batch:
            prompt = tokenizer(f"User: {rows[row - 1]['question']}\n\nAssistant:").input_ids
            response = tokenizer(" " + rows[row - 1]["answer"]).input_ids
            examples.append((prompt, response + [tokenizer.eos_token_id]))
        targets = sum(len(response) for _, response in examples)
        loss = 0.0
        for prompt, response in examples:
            ids = torch.tensor([prompt + response])
            labels = torch.tensor(prompt + response)
            labels[:len(prompt)] = -100
            logits = model(ids).logits[0].float()
            loss = loss + torch.nn.functional.cross_entropy(
                logits[:-1], labels[1:], ignore_index=-100, reduction="sum") / targets
        loss.backward()
        norm = clip(model.parameters(), spec["max_grad_norm"])
        yield loss.item(), schedule.get_last_lr()[0], norm
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()


def check_curve(args):
    source = os.path.join(args.data, "instruct/gsm8k/train.jsonl")
    if not os.path.exists(source):
        print(f"skipped  curve: no {source}")
        return False
    with tempfile.TemporaryDirectory() as scratch:
        rows = [json.loads(line) for line in open(source, encoding="utf-8")]
        rows = sorted(rows, key=lambda row: len(row["question"] + row["answer"]))[:CURVE_ROWS]
        rows_path = os.path.join(scratch, "rows.jsonl")
        with open(rows_path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        model_path = os.path.join(scratch, "model")
        torch.manual_seed(0)
        model = PhiForCausalLM(PhiConfig(
            vocab_size=51200, hidden_size=160, intermediate_size=320, num_hidden_layers=2,
            num_attention_heads=2, partial_rotary_factor=0.4, max_position_embeddings=2048,
            resid_pdrop=0.0, embd_pdrop=0.0, bos_token_id=50256, eos_token_id=50256))
        model.save_pretrained(model_path)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(os.path.join(args.data, "tokenizer/phi-2", name), model_path)
        spec = dict(model="models/oracle", datasets=[{"dataset": "datasets/gsm8k"}],
                    batch_size=CURVE_BATCH, epochs=8, max_steps=CURVE_STEPS, learning_rate=3e-3, lr_scheduler="cosine",
                    warmup_ratio=0.1, weight_decay=0.1, betas=[0.9, 0.999], eps=1e-8,
                    max_grad_norm=1.0, micro_batch_tokens=192, precision="fp32",
                    checkpoint_every=0, seed=3)
        folder = os.path.join(scratch, "run")
        write_run(folder, model_path, rows_path, spec)
        batches = [json.loads(line) for line in run(args.trainer, "batches", folder).splitlines()]
        batches = [[row["row"] for row in step["rows"]] for step in batches]
        assert len({len(batch) for batch in batches}) == 2, "no smaller last batch"
        run(args.trainer, "run", folder)
        events = [json.loads(line) for line in open(os.path.join(folder, "events.jsonl"))]
        steps = [event["step"] for event in events if "step" in event]
        assert len(steps) == len(batches) == CURVE_STEPS
        tokenizer = AutoTokenizer.from_pretrained(model_path)
        worst = dict(loss=0.0, learning_rate=0.0, grad_norm=0.0)
        for step, (loss, rate, norm) in zip(steps, plain_loop(model, tokenizer, rows, batches, spec)):
            for key, value in (("loss", loss), ("learning_rate", rate), ("grad_norm", norm)):
                error = abs(step[key] - value) / value if value else abs(step[key])
                worst[key] = max(worst[key], error)
        final = load_file(os.path.join(folder, "checkpoints/final/model.safetensors"))
        weights = max(relative(final[name], p.detach()) for name, p in model.named_parameters())
        reloaded = AutoModelForCausalLM.from_pretrained(os.path.join(folder, "checkpoints/final"))
        AutoTokenizer.from_pretrained(os.path.join(folder, "checkpoints/final"))
        good = max(worst.values()) < 1e-4
        print(f"{'ok' if good else 'FAILED'}  curve: loss {steps[0]['loss']:.4f} to "
              f"{steps[-1]['loss']:.4f} in {len(steps)} steps; largest relative differences: "
              + ", ".join(f"{key} {value:.1e}" for key, value in worst.items())
              + f"; final weights {weights:.1e}; the folder loads as {type(reloaded).__name__}",
              flush=True)
        return not good


def report(good, text):
    print(f"{'ok' if good else 'FAILED'}  {text}", flush=True)
    return not good


def check_distribution(args, model):
    """Random logits: with ties, and peaked ones."""
    generator = torch.Generator().manual_seed(5)
    questions, expected = [], []
    for temperature, top_k, top_p, penalty, spread in itertools.product(
            (0.3, 1.0, 1.7), (0, 1, 7, 500), (0.2, 0.9, 1.0), (0.8, 1.0, 1.3), (0.5, 6.0)):
        logits = torch.randn(300, generator=generator) * spread
        if len(questions) % 3 == 0:
            logits = logits.round(decimals=1)
        history = torch.randint(0, 300, (40,), generator=generator)
        settings = dict(temperature=temperature, top_k=top_k, top_p=top_p,
                        repetition_penalty=penalty)
        processors = model._get_logits_processor(GenerationConfig(do_sample=True, **settings), 40)
        scores = processors(history[None], logits[None].clone())[0]
        expected.append(scores.double().softmax(-1))
        questions.append(dict(settings, logits=logits.tolist(), history=history.tolist()))
    text = "".join(json.dumps(question) + "\n" for question in questions)
    answers = subprocess.run([args.sampler], input=text.encode(), stdout=subprocess.PIPE,
                             check=True).stdout.splitlines()
    worst, sets = 0.0, 0
    for question, answer, theirs in zip(questions, answers, expected, strict=True):
        ours = torch.zeros(300, dtype=torch.double)
        for token, probability in json.loads(answer):
            ours[token] = probability
        # Which of equally likely tokens come first under top-p is for neither to say.
        same = torch.equal(ours.sort().values > 0, theirs.sort().values > 0)
        sets += same
        error = (ours.sort().values - theirs.sort().values).abs().max().item()
        if question["top_p"] == 1:
            error = max(error, (ours - theirs).abs().max().item())
        worst = max(worst, error)
        if not same or error > 1e-5:
            print({key: question[key] for key in question if key not in ("logits", "history")},
                  (ours > 0).sum().item(), (theirs > 0).sum().item(), error)
    good = sets == len(questions) and worst < 1e-5
    return report(good, f"distribution: {len(questions)} settings, {sets} with the same tokens "
                        f"left; largest difference of a probability {worst:.1e}")


PRINTING = 94
POSITIONS = 64


def printing_model(folder, shape, seed):
    """Its text tells its ids: printing ASCII only. Likeliest are ids that no token has."""
    model = random_model(folder, {**shape, "max_position_embeddings": POSITIONS}, seed)
    with torch.no_grad():
        model.lm_head.weight.mul_(3)
        model.lm_head.bias[PRINTING:EOS] -= 1000
        model.lm_head.bias[EOS] -= 2
        model.lm_head.bias[EOS + 1:] += 1000
    model.save_pretrained(folder)
    return model


def replies(args, folder, prompts, *options):
    given = [part for prompt in prompts for part in ("--prompt", prompt)]
    out = run(args.trainer, "generate", "--model", folder, "--device", "cpu", "--raw", *given,
              *options).decode()
    if len(prompts) == 1:
        return [out[:-1]]
    lines = out.splitlines()
    assert lines[::3] == ["> " + prompt for prompt in prompts] and not any(lines[2::3])
    return lines[1::3]


def expected_reply(model, tokenizer, prompt, **settings):
    ids = torch.tensor([tokenizer.encode(prompt)])
    vocab = model.config.vocab_size
    out = model.generate(ids, do_sample=False, pad_token_id=EOS, eos_token_id=EOS,
                         suppress_tokens=list(range(EOS + 1, vocab)), tokenizer=tokenizer,
                         **settings)[0, ids.shape[1]:]
    return tokenizer.decode(out, skip_special_tokens=True)


def check_generation(args):
    failed = False
    prompts = ["abc 12", "x", "What is the longest of these?" * 2, "~~~~", "0123456789"]
    for number, (label, shape) in enumerate(SHAPES.items()):
        with tempfile.TemporaryDirectory() as scratch:
            folder = os.path.join(scratch, "model")
            model = printing_model(folder, shape, number)
            tokenizer = PreTrainedTokenizerFast(
                tokenizer_file=os.path.join(folder, "tokenizer.json"))
            if number == 0:
                failed |= check_distribution(args, model)
            same, tokens = 0, 0
            for penalty in ("1", "1.4"):
                ours = replies(args, folder, prompts, "--max-new-tokens", "1000",
                               "--repetition-penalty", penalty)
                theirs = [expected_reply(model, tokenizer, prompt, max_length=POSITIONS,
                                         repetition_penalty=float(penalty)) for prompt in prompts]
                same += sum(a == b for a, b in zip(ours, theirs, strict=True))
                tokens += sum(map(len, ours))
            longest = max(range(len(prompts)), key=lambda i: len(theirs[i]))
            stop = theirs[longest][10:12]
            stopped = replies(args, folder, [prompts[longest]], "--repetition-penalty", "1.4", "--stop",
                              "never comes", "--stop", stop)[0]
            wanted = expected_reply(model, tokenizer, prompts[longest], max_length=POSITIONS,
                                    repetition_penalty=1.4, stop_strings=[stop])
            good = same == 2 * len(prompts) and stopped + stop == wanted
            failed |= report(good, f"generation, {label}: {same} of {2 * len(prompts)} greedy "
                                   f"replies equal, {tokens} tokens; with a stop string "
                                   f"{stopped!r} of {wanted!r}")
    return failed


def written_index(model, folder, limit):
    """What save_pretrained writes at this limit, without the files' names."""
    model.save_pretrained(folder, max_shard_size=limit)
    with open(os.path.join(folder, "model.safetensors.index.json")) as file:
        index = json.load(file)
    return index["metadata"], sorted(index["weight_map"])


def compare_export(args, folder, dtype, limit, scratch):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
    assert model.dtype == dtype, f"{model.dtype}, not {dtype}"
    ids = torch.randint(0, BYTES, (37,), generator=torch.Generator().manual_seed(2)).tolist()
    out = os.path.join(scratch, "logits.safetensors")
    run(args.trainer, "logits", "--model", folder, "--device", "cpu", "--precision", "fp32",
        ids_argument([ids]), "--out", out)
    files = sorted(glob.glob(os.path.join(folder, "model*.safetensors")))
    names = [name for file in files for name in load_file(file)]
    assert len(names) == len(set(names)), "a tensor is written twice"
    assert (len(files) > 1) == (limit > 0), f"{len(files)} files"
    if limit > 0:
        with open(os.path.join(folder, "model.safetensors.index.json")) as file:
            index = json.load(file)
        metadata, tensors = written_index(model, os.path.join(scratch, "theirs"), limit)
        assert index["metadata"] == metadata, f"{index['metadata']}, transformers {metadata}"
        assert sorted(index["weight_map"]) == tensors == sorted(names)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.encode("ab <|endoftext|>")[-1] == EOS
    assert GenerationConfig.from_pretrained(folder).eos_token_id == EOS
    with torch.no_grad():
        theirs = model.float().eval()(torch.tensor([ids])).logits[0]
    return relative(load_file(out)["logits"], theirs), len(files)


def check_export(args):
    types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16,
             "auto": torch.float32}
    failed = False
    for label, limit in itertools.product(("qk_layernorm", "tied embeddings"), (0, 30_000)):
        with tempfile.TemporaryDirectory() as scratch:
            base = os.path.join(scratch, "base")
            random_model(base, SHAPES[label])
            rows = os.path.join(scratch, "rows.jsonl")
            with open(rows, "w") as file:
                file.writelines('{"prompt": "%d+1?", "response": "%d"}\n' % (i, i + 1)
                                for i in range(8))
            for precision, dtype in types.items():
                folder = os.path.join(scratch, precision)
                spec = dict(model="models/oracle", datasets=[{"dataset": "datasets/gsm8k"}],
                            batch_size=4, max_steps=2, learning_rate=1e-2, warmup_ratio=0,
                            checkpoint_every=0, save_precision=precision, max_shard_bytes=limit)
                write_run(folder, base, rows, spec)
                run(args.trainer, "run", folder)
                error, files = compare_export(args, os.path.join(folder, "checkpoints/final"),
                                              dtype, limit, scratch)
                failed |= report(error < 1e-5, f"export, {label}, {precision}, {files} file"
                                               f"{'s' if files > 1 else ''}: logits {error:.1e}")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--trainer", required=True)
    parser.add_argument("--sampler")
    parser.add_argument("--data", default=os.environ.get(
        "TUNE_SHARED_DATA", os.path.join(here, "../../../shared/data")))
    parser.add_argument("parts", nargs="*", metavar="models | curve | generation | export")
    args = parser.parse_args()
    logging.disable_progress_bar()
    torch.set_num_threads(int(os.environ.get("ORACLE_THREADS", "2")))
    checks = {"models": check_models, "curve": check_curve, "generation": check_generation,
              "export": check_export}
    failed = [checks[part](args) for part in args.parts or checks]
    sys.exit(1 if any(failed) else 0)


if __name__ == "__main__":
    main()
