"""Writes golden.json, the float32 reference that `hshare verify` compares with, and answers the sample's questions.

    python3 reference.py                                             writes golden.json beside this file
    python3 reference.py --out DIR --questions ../../samples/AskDocument/questions.json --answers answers.txt

Needs torch and transformers 5. All prompts are texts of this project, and all arithmetic is float32 on the bfloat16 weights.
"""
import argparse
import copy
import json
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1] / "samples" / "AskDocument" / "harbour-yearbook.txt"
INSTRUCTION = "Answer only from the document. If the answer is not in it, say: The document does not say."
STEPS = 48
TOP = 10

TIDE_TOOL = {"type": "function", "function": {
    "name": "get_tide", "description": "Get the tide of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "The city."}}, "required": ["city"]}}}


class Reference:
    """The model in float32, greedy, one sequence at a time."""

    def __init__(self, folder, device):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        # Eager attention: the fused kernels are free to round their products differently.
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
        self.model = self.model.to(device).eval()
        self.ends = set(self.model.generation_config.eos_token_id)

    def encode(self, text):
        return self.tokenizer(text, add_special_tokens=False).input_ids

    def render(self, messages, tools=None):
        text = self.tokenizer.apply_chat_template(messages, tools=tools, tokenize=False, add_generation_prompt=True)
        return self.encode(text)

    @torch.no_grad()
    def forward(self, ids, cache=None):
        """Returns the logits after the last id, and the cache that now holds all ids."""
        result = self.model(torch.tensor([ids], device=self.model.device), past_key_values=cache, use_cache=True, logits_to_keep=1)
        return result.logits[0, -1], result.past_key_values

    def greedy(self, logits, cache, stop_at_end):
        """Returns the next ids and, at each step, the gap between the best logit and the second."""
        ids, margins = [], []
        while len(ids) < STEPS:
            best = logits.topk(2)
            ids.append(best.indices[0].item())
            margins.append(round((best.values[0] - best.values[1]).item(), 5))
            if stop_at_end and ids[-1] in self.ends:
                break
            logits, cache = self.forward(ids[-1:], cache)
        return ids, margins

    def case(self, name, ids):
        """One case of golden.json. The greedy ids go on past an end token, so that every case has the same number of steps."""
        logits, cache = self.forward(ids)
        top = logits.topk(TOP)
        greedy_ids, margins = self.greedy(logits, cache, stop_at_end=False)
        print(f"{name}: {len(ids)} ids -> {self.tokenizer.decode(greedy_ids)[:100]!r}")
        return {
            "name": name,
            "input_ids": ids,
            "top_logits": [[i, v] for i, v in zip(top.indices.tolist(), top.values.tolist())],
            "greedy_ids": greedy_ids,
            "greedy_margins": margins,
        }


def about(document, question):
    return [
        {"role": "system", "content": f"{INSTRUCTION}\n<document>\n{document}\n</document>"},
        {"role": "user", "content": question},
    ]


def opening(reference, document, tokens):
    """The first whole paragraphs of the document, about so many tokens of them."""
    taken = []
    for paragraph in document.split("\n\n"):
        if len(reference.encode("\n\n".join(taken))) >= tokens:
            break
        taken.append(paragraph)
    return "\n\n".join(taken)


def golden_cases(reference, document):
    chat, plain, case = reference.render, reference.encode, reference.case
    yield case("plain_sentence", plain("Every harbour keeps two books. One is"))
    yield case("plain_pages", plain(opening(reference, document, 700)))
    yield case("chat_hello", chat([{"role": "user", "content": "Who are you?"}]))
    yield case("chat_tool", chat([{"role": "user", "content": "What is the tide in Bergen?"}], [TIDE_TOOL]))
    for name, tokens, question in [
            ("chat_500", 500, "When was the Wenholm Trust founded?"),
            ("chat_2000", 2000, "Where is the brass key kept?"),
            ("chat_document", 8192, "Who manages Project Breakwater?"),
            ("chat_document_absent", 8192, "What is the password of the upper vault?")]:
        yield case(name, chat(about(opening(reference, document, tokens), question)))


def answer_all(reference, document, questions):
    """Yields (question, answer, smallest margin). All prompts begin alike, so what they share is computed once."""
    prompts = [reference.render(about(document, q["question"])) for q in questions]
    shared = next(i for i, ids in enumerate(zip(*prompts)) if len(set(ids)) > 1)
    _, cache = reference.forward(prompts[0][:shared])
    for question, ids in zip(questions, prompts):
        logits, own = reference.forward(ids[shared:], copy.deepcopy(cache))
        answer, margins = reference.greedy(logits, own, stop_at_end=True)
        yield question, reference.tokenizer.decode(answer, skip_special_tokens=True).strip(), min(margins)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", type=Path, default=HERE, help="model folder")
    options.add_argument("--document", type=Path, default=DOCUMENT)
    options.add_argument("--out", type=Path, default=HERE, help="folder for golden.json")
    options.add_argument("--questions", type=Path, help="JSON list of {question, expected, family} to answer over the whole document")
    options.add_argument("--answers", type=Path, default=Path("answers.txt"), help="where the table of answers goes")
    options = options.parse_args()

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    reference = Reference(options.model, "cuda" if torch.cuda.is_available() else "cpu")
    document = options.document.read_text(encoding="utf-8").strip()

    cases = [json.dumps(case) for case in golden_cases(reference, document)]
    source = json.dumps(f"transformers {transformers.__version__}, float32 arithmetic on the bfloat16 weights")
    options.out.mkdir(parents=True, exist_ok=True)
    golden = '{"reference": ' + source + ', "cases": [\n' + ",\n".join(cases) + "\n]}\n"
    (options.out / "golden.json").write_text(golden, encoding="utf-8")

    if options.questions:
        questions = json.loads(options.questions.read_text(encoding="utf-8"))
        rows = [f"{'right' if a == q['expected'] else 'WRONG'} | {m:.2f} | {q['family']} | {q['question']} | {q['expected']} | {a}"
                for q, a, m in answer_all(reference, document, questions)]
        right = sum(row.startswith("right") for row in rows)
        head = [f"{right} of {len(rows)} right", "right? | smallest margin | family | question | expected | answer"]
        options.answers.write_text("\n".join(head + rows) + "\n", encoding="utf-8")
        print(head[0])


if __name__ == "__main__":
    main()
