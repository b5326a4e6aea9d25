"""Scenarios: hand-written documents with slots, and questions about them.   usage: scenarios.py FILE...   checks files

    === title
    name: kind              slots (see slots.py), or a list of options: a | b | c
    --- document
    text with {name} and [[one|another]] wordings
    --- questions
    Q: wording | wording    A: the answer    S: its shortest form    F: a follow-up of the last Q    N: not answered by the document
"""
import glob
import os
import random
import re
import sys
from dataclasses import dataclass, field

import slots
from values import Values

SLOT = re.compile(r'\{(\w+)(?:\.(\w+))?\}')
CHOICE = re.compile(r'\[\[((?:(?!\[\[|\]\]).)*)\]\]', re.S)


@dataclass
class Question:
    """One question in several wordings, its answer as a sentence and in short, and what may follow it."""
    wordings: list
    answer: str = ''
    short: str = ''
    follow: list = field(default_factory=list)


@dataclass
class Scenario:
    title: str
    slots: dict
    document: str
    questions: list
    absent: list


def parse(text, name):
    """-> the scenarios of a file; raises ValueError with the place"""
    out = []
    for part in re.split(r'^=== *', text, flags=re.M)[1:]:
        title = part.split('\n', 1)[0].strip()
        where = f'{name}: {title}'
        pieces = re.split(r'^--- *(document|questions) *$', part.split('\n', 1)[1], flags=re.M)
        if [p.strip() for p in pieces[1::2]] != ['document', 'questions']:
            raise ValueError(f'{where}: needs "--- document" and "--- questions" once each')
        spec = {}
        for line in filter(str.strip, pieces[0].split('\n')):
            k, _, v = line.partition(':')
            spec[k.strip()] = v.strip()
        questions, absent, last, top = [], [], None, None
        for line in filter(str.strip, pieces[4].split('\n')):
            tag, _, rest = line.strip().partition(':')
            rest = rest.strip()
            if tag in 'QFN' and len(tag) == 1:
                last = Question([w.strip() for w in rest.split(' | ') if w.strip()])
                if tag == 'N':
                    absent.append(last.wordings)
                    last = None
                elif tag == 'Q':
                    questions.append(last)
                    top = last
                elif top is None:
                    raise ValueError(f'{where}: F before any Q')
                else:
                    top.follow.append(last)
            elif tag == 'A' and last:
                last.answer = rest
            elif tag == 'S' and last:
                last.short = rest
            else:
                raise ValueError(f'{where}: not understood: {line!r}')
        out.append(Scenario(title, spec, pieces[2].strip(), questions, absent))
    return out


def load(folder):
    """-> all scenarios of a folder, in the order of their files"""
    out = []
    for path in sorted(glob.glob(os.path.join(folder, '*.txt'))):
        out += parse(open(path, encoding='utf-8').read(), os.path.basename(path))
    return out


def training(all_of_them):
    """-> the scenarios that may be trained on; every twelfth is kept for development sets"""
    return [s for i, s in enumerate(all_of_them) if i % 12 != 5]


def development(all_of_them):
    """-> the others"""
    return [s for i, s in enumerate(all_of_them) if i % 12 == 5]


def choose(text, r):
    """picks one wording of every [[a|b]], innermost first"""
    while True:
        new = CHOICE.sub(lambda m: r.choice(m.group(1).split('|')), text)
        if new == text:
            return re.sub(r'(?<=\S)  +', ' ', re.sub(r' +\n', '\n', text))
        text = new


class Filled:
    """A scenario with its slots filled: texts for one document and the questions about it."""

    def __init__(self, scenario, g):
        self.scenario, self.r = scenario, g.r
        self.values, seen = {}, set()
        for name, spec in scenario.slots.items():
            for _ in range(20):
                v = slots.draw(spec, g)
                plain = v[''] if isinstance(v, dict) else v
                if plain not in seen:
                    break
            seen.add(plain)
            self.values[name] = v
        self.document = self.say(choose(scenario.document, g.r)).strip()

    def say(self, text):
        """a text with its slots filled"""

        def one(m):
            v, form = self.values[m.group(1)], m.group(2)
            if form in ('cap', 'lower'):
                v = v[''] if isinstance(v, dict) else v
                return v[:1].upper() + v[1:] if form == 'cap' else v.lower()
            if isinstance(v, dict):
                return v[form or '']
            if form:
                raise ValueError(f'{self.scenario.title}: no form {m.group(0)}')
            return v

        return SLOT.sub(one, text)

    def ask(self, wordings):
        return self.say(self.r.choice(wordings))

    def answer(self, q):
        """-> the answer as a sentence, and in short"""
        a = self.say(q.answer)
        s = self.say(q.short) if q.short else a
        return a[:1].upper() + a[1:], s


def check(scenario):
    """-> what is wrong with a scenario, as a list of lines"""
    bad = []
    g = Values('', 1, (['word', 'other', 'river', 'ribbon'] * 9, ['Name', 'Other']))
    for name, spec in scenario.slots.items():
        try:
            for _ in range(5):
                slots.draw(spec, g)
        except Exception as e:
            bad.append(f'slot {name}: {spec!r}: {type(e).__name__} {e}')
    if bad:
        return bad
    g.r = random.Random(2)
    every = [q for top in scenario.questions for q in [top] + top.follow]
    for _ in range(12):
        try:
            f = Filled(scenario, g)
            texts = [(q, f.ask([w]), *f.answer(q)) for q in every for w in q.wordings]
            texts += [(None, f.ask([w]), '', '') for ws in scenario.absent for w in ws]
        except (KeyError, ValueError) as e:
            return [f'unknown slot or form: {e}']
        for t in [f.document] + [x for row in texts for x in row[1:]]:
            if '[[' in t or ']]' in t or re.search(r'\{\w', t):
                bad.append(f'left over marks in: {t[:90]!r}')
        for q in every:
            for m in SLOT.finditer(q.short):
                if m.group(2) in (None, 'first', 'last'):
                    s = f.say(m.group(0))
                    if s.lower() not in f.document.lower():
                        bad.append(f'short answer {m.group(0)} is not in every version of the document ({q.wordings[0][:60]!r})')
    for q in every:
        if not q.answer:
            bad.append(f'no A for {q.wordings[:1]}')
    if len(scenario.questions) < 4:
        bad.append(f'only {len(scenario.questions)} questions')
    return sorted(set(bad))


if __name__ == '__main__':
    total = 0
    for path in sys.argv[1:]:
        try:
            found = parse(open(path, encoding='utf-8').read(), os.path.basename(path))
        except ValueError as e:
            print(e)
            continue
        total += len(found)
        for s in found:
            for line in check(s):
                print(f'{os.path.basename(path)}: {s.title}: {line}')
    print(total, 'scenarios')
