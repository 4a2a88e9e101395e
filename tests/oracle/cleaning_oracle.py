"""Compares what `tunectl datasets clean` leaves out with an independent reading in Python.

Usage: cleaning_oracle.py --tunectl PATH [--data DIR]

Duplicates and overlaps are computed here exactly, by sets of words, on real files and on copies of
them in which a few words are changed.
"""
import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile

SKIPPED = 77
SIZE, OVERLAP, SHORTEST = 5, 13, 8


def words(text):
    return re.findall(r"[^\W_]+", text.lower())


def runs(sequence, size):
    return {tuple(sequence[i:i + size]) for i in range(max(1, len(sequence) - size + 1))}


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return [line for line in file if line.strip()]


def left_out(tunectl, path, *flags):
    """The indices of the rows that are not written, which are in their order."""
    with tempfile.TemporaryDirectory() as folder:
        to = os.path.join(folder, "to.jsonl")
        subprocess.run([tunectl, "datasets", "clean", path, "--to", to, *flags], check=True,
                       stdout=subprocess.DEVNULL)
        written = lines_of(to)
    gone, next_row = [], 0
    for index, line in enumerate(lines_of(path)):
        if next_row < len(written) and line == written[next_row]:
            next_row += 1
        else:
            gone.append(index)
    assert next_row == len(written), "a row is written that is none of the file's"
    return gone


def texts(row):
    return [value for value in row.values() if isinstance(value, str)]


def check_overlap(tunectl, train, test):
    known = {}
    for line in lines_of(test):
        for text in texts(json.loads(line)):
            sequence = words(text)
            if len(sequence) >= SHORTEST:
                size = min(len(sequence), OVERLAP)
                known.setdefault(size, set()).update(runs(sequence, size))
    expected = [i for i, line in enumerate(lines_of(train))
                if any(len(s) >= size and runs(s, size) & known[size]
                       for s in map(words, texts(json.loads(line))) for size in known)]
    assert left_out(tunectl, train, "--against", test) == expected, expected
    print(f"{len(expected)} rows have a passage of the evaluation set, in both")


def with_copies(path, folder):
    """Every row, and some of them again: as they are, with other spaces, with words changed."""
    rows = [json.loads(line) for line in lines_of(path)][:1500]
    rng = random.Random(5)
    for row in rng.sample(rows, 300):
        kind = rng.random()
        copy = dict(row)
        if kind < 0.3:
            copy["id"] = len(rows)
        else:
            share = rng.choice([0, 0.01, 0.02, 0.05, 0.1])
            copy["question"] = " ".join("changed" + str(rng.random()) if rng.random() < share else w
                                        for w in row["question"].split(" "))
        rows.append(copy)
    out = os.path.join(folder, "copies.jsonl")
    with open(out, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return out, rows


def check_duplicates(tunectl, path):
    with tempfile.TemporaryDirectory() as folder:
        out, rows = with_copies(path, folder)
        seen, expected = set(), []
        for i, row in enumerate(rows):
            content = (row["question"], row["answer"])
            if content in seen:
                expected.append(i)
            seen.add(content)
        assert left_out(tunectl, out, "--exact-duplicates") == expected
        print(f"{len(expected)} exact duplicates, in both")
        check_near(rows, set(left_out(tunectl, out, "--near-duplicates=0.8")))


def check_near(rows, gone):
    """Against the exact index of all pairs: a row goes for an earlier one that stays."""
    shingles = [runs(words(row["question"]) + words(row["answer"]), SIZE) for row in rows]
    having = {}
    missed = wrong = surely = 0
    for i, mine in enumerate(shingles):
        near = {j for run in mine for j in having.get(run, ())}
        best = max((len(mine & shingles[j]) / len(mine | shingles[j]) for j in near), default=0)
        surely += best >= 0.9
        missed += best >= 0.9 and i not in gone
        wrong += best < 0.7 and i in gone
        if i not in gone:
            for run in mine:
                having.setdefault(run, []).append(i)
    print(f"near duplicates: {len(gone)} found; of {surely} with an index above 0.9 {missed} are "
          f"missed, and {wrong} below 0.7 are found")
    assert surely > 100 and missed <= 0.02 * surely and wrong <= 0.02 * len(gone)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tunectl", required=True)
    parser.add_argument("--data", default=os.environ.get("TUNE_SHARED_DATA", ""))
    args = parser.parse_args()
    folder = os.path.join(args.data, "instruct/gsm8k")
    if not args.data or not os.path.isdir(folder):
        print("no shared test data: skipped")
        sys.exit(SKIPPED)
    check_overlap(args.tunectl, os.path.join(folder, "train.jsonl"),
                  os.path.join(folder, "test.jsonl"))
    check_duplicates(args.tunectl, os.path.join(folder, "train.jsonl"))


if __name__ == "__main__":
    main()
