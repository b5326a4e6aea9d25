"""Builds worded_test.jsonl, 150 hand-worded questions on 30 documents, from the files in worded/ and checks them.

Each file holds a document, a line `---` and five blocks of lines, set apart by blank lines:
  Q: the question
  A: the answer as a sentence
  S: spans of that answer, parted by ` | `; a reply is right when it contains one of them (see `contains`)
  V: other spellings of a span that a right reply may use instead (optional, need not occur in the answer)
  E: the opening words of the passage that gives the answer (where the document begins to answer)
A question that the document leaves open has Q and A only. Usage: python worded.py
"""

import json
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
UNKNOWN = "The document does not say."
CHARACTERS_PER_TOKEN = 3.9
INSTRUCTIONS = (
    "Answer from the document below.",
    f"Answer only from the document. If the answer is not in it, say: {UNKNOWN}",
    "Use only this document to answer.",
    "Read the document and answer the user in one short sentence.",
)


def contains(text: str, span: str) -> bool:
    """Whether `span` occurs in `text` as whole words, ignoring case and blanks; "14" is not in "140" nor in "14.50"."""
    text, span = (" ".join(part.lower().split()) for part in (text, span))
    return re.search(rf"(?<!\w)(?<!\d[.,]){re.escape(span)}(?!\w)(?![.,]\d)", text) is not None


def question(path: Path, block: str, document: str, instruction: str) -> dict:
    """One line of the test set, checked; an AssertionError names the file and the question."""
    fields = dict(line.split(": ", 1) for line in block.splitlines())
    where, answer = f"{path.name}: {fields['Q']}", fields["A"]
    spans, variants = (fields[key].split(" | ") if key in fields else [] for key in "SV")
    depth = None
    if answer == UNKNOWN:
        assert set(fields) == {"Q", "A"}, f"{where}: an open question takes no spans"
        spans = [UNKNOWN.rstrip(".")]
    else:
        assert spans and document.count(fields["E"]) == 1, f"{where}: evidence must occur exactly once"
        depth = round(document.index(fields["E"]) / len(document), 3)
        for span in spans:
            assert contains(answer, span), f"{where}: the answer lacks '{span}'"
        for span in spans + variants:
            assert not contains(fields["Q"], span) and not contains(UNKNOWN, span), f"{where}: '{span}' gives itself away"
    messages = [
        {"role": "system", "content": f"{instruction}\n<document>\n{document}\n</document>"},
        {"role": "user", "content": fields["Q"]},
    ]
    meta = {"length_tokens": round(len(document) / CHARACTERS_PER_TOKEN), "depth": depth, "family": path.stem[3:]}
    return {"messages": messages, "expected": answer, "accepted": spans + variants, "meta": meta}


def main() -> None:
    """Writes worded_test.jsonl next to this file, or fails on the first check that does not hold."""
    lines, lengths = [], []
    for index, path in enumerate(sorted((HERE / "worded").glob("*.txt"))):
        document, questions = (part.strip() for part in path.read_text(encoding="utf-8").split("\n---\n"))
        blocks = questions.split("\n\n")
        assert len(blocks) == 5, f"{path.name}: {len(blocks)} questions instead of 5"
        lines += [question(path, block, document, INSTRUCTIONS[(index + i) % 4]) for i, block in enumerate(blocks)]
        lengths.append(len(document.split()))
    unknown = sum(line["expected"] == UNKNOWN for line in lines)
    sizes = [sum(low <= n < high for n in lengths) for low, high in ((60, 151), (151, 401), (900, 2201))]
    assert (sizes, len(lines)) == ([12, 12, 6], 150) and 25 <= unknown <= 28, (sizes, len(lines), unknown)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (HERE / "worded_test.jsonl").write_text(text, encoding="utf-8")
    print(f"{len(lines)} questions on {len(lengths)} documents of {min(lengths)} to {max(lengths)} words, {unknown} open")


if __name__ == "__main__":
    main()
