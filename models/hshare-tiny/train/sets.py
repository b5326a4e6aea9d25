"""Writes development sets out of own texts: scenarios that are not trained on, and facts planted between them.   usage: sets.py OUT"""
import json
import os
import sys

import books
import scenarios
from chat_format import ABSENT, FACT, NOT_SAID, QUOTE, TWO, render, segments
from conversations import Conversations
from scenarios import Filled
from values import Values

HERE = os.path.dirname(os.path.abspath(__file__))
LENGTHS = (1000, 2000, 4000, 7500)
CHARACTERS = 3.25        # in a token of these texts, roughly


def own_text(known, size, seed):
    """about `size` characters of filled scenario documents"""
    g = Values('', seed, (['copper', 'river', 'ribbon', 'window', 'garden'], ['Alder', 'Marl']))
    parts = []
    while sum(map(len, parts)) < size:
        parts.append(Filled(g.r.choice(known), g).document)
    return '\n\n'.join(parts)


def case(msgs, expected, family, accepted=None, tools=None, depth=None):
    out = {'messages': msgs, 'expected': expected}
    if accepted:
        out['accepted'] = accepted
    if tools:
        out['tools'] = tools
    out['meta'] = {'length_tokens': int(len(render(msgs, tools)) / CHARACTERS), 'depth': depth, 'family': family}
    return out


def planted(g, kind, tokens, depth):
    """one question on facts planted in a document, in wordings that are not the standard ones"""
    used, n = set(), int((tokens - 90) * CHARACTERS)
    if kind == QUOTE:
        while True:
            doc = books.passage(g.t, n, g.r)
            found = books.quote(doc, g.r, find=False)
            if found:
                break
        q, a = found
        at = max(doc.find(q.split('"')[1]), 0)
        return case(g.layout(doc, [(q, a, QUOTE)], style=.1)[0][:-1], a, 'quote', depth=round(at / len(doc), 3))
    facts, turns = g.fact_turns([kind], used)
    while not turns:
        facts, turns = g.fact_turns([kind], used)
    items = [(depth if i == 0 else g.r.random(), f.say(g.r, 0)) for i, f in enumerate(facts)]
    doc = books.insert(books.passage(g.t, n - sum(len(s) for _, s in items), g.r), items, g.r)
    msgs, _ = g.layout(doc, [(turns[0].question, turns[0].answer, kind)], style=g.r.choice((.1, .1, .6)))
    family = facts[0].family.name if facts else 'none'
    return case(msgs[:-1], turns[0].answer, family, depth=None if kind == ABSENT else round(depth, 3))


def worded(g, known, most):
    """questions on single scenario documents, at most so many on each"""
    for s in known:
        f = Filled(s, g)
        asked = [(q.wordings, *f.answer(q)) for q in g.r.sample(s.questions, min(most - 1, len(s.questions)))]
        asked += [(w, NOT_SAID, NOT_SAID.rstrip('.')) for w in s.absent[:1]]
        for wordings, a, short in asked:
            msgs, _ = g.layout(f.document, [(f.ask(wordings), a, FACT)], style=.1)
            yield case(msgs[:-1], a, s.title, [short.rstrip('.')])


def tool_cases(g, count):
    """requests whose right answer is a call"""
    while count:
        m, _, tools = g.tool_chat()
        k = next((i for i, x in enumerate(m) if x.get('tool_calls')), None)
        if k is None or k > 2 or m[k - 1]['role'] != 'user' or k == 2 and m[0]['role'] != 'system':
            continue
        expected = segments([{'role': 'user', 'content': ''}, m[k]])[2][0].removesuffix('<|im_end|>')
        yield case(m[:k], expected, 'two calls' if len(m[k]['tool_calls']) > 1 else 'one call', tools=tools)
        count -= 1


def main(out):
    known = scenarios.development(scenarios.load(HERE + '/data/scenarios'))
    text = own_text(known, 400_000, 5)
    lexicon = Values.lexicon(text)
    g = Conversations(text, 17, lexicon, known, standard=0)
    sets = {'worded_dev': list(worded(g, known, 6)), 'tools_dev': list(tool_cases(g, 60))}
    for name, kind, count in (('needle_dev', FACT, 40), ('two_dev', TWO, 24), ('absent_dev', ABSENT, 24), ('quote_dev', QUOTE, 24)):
        sets[name] = [planted(g, kind, LENGTHS[i % 4], (i // 4 % 5 + g.r.random()) / 5) for i in range(count)]
    for name, cases in sets.items():
        with open(f'{out}/{name}.jsonl', 'w', encoding='utf-8') as f:
            f.writelines(json.dumps(c, ensure_ascii=False) + '\n' for c in cases)
        print(name, len(cases))


if __name__ == '__main__':
    main(sys.argv[1])
