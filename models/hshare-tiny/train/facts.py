"""Planted facts: families of subject and value, each worded in many ways (data/facts), with near misses and questions in two steps."""
import glob
import os
from collections import namedtuple

from values import Values

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'data', 'facts')
SECTIONS = ('standard statements', 'standard questions', 'reverse questions', 'statements', 'questions', 'more reverse questions')

Family = namedtuple('Family', 'name subject value answer statements questions reverse more_statements more_questions more_reverse')


def capital(s):
    return s[:1].upper() + s[1:]


def read(path):
    """-> the families of a file: one, or one for each variant"""
    head, lists, now = {}, {s: [] for s in SECTIONS}, None
    for line in map(str.strip, open(path, encoding='utf-8')):
        if line.endswith(':') and line[:-1] in lists:
            now = lists[line[:-1]]
        elif line and now is None:
            k, _, v = line.partition(':')
            head[k.strip()] = v.strip()
        elif line:
            now.append(line)

    def made(name, value, put):
        return Family(name, head['subject'], value, put(head['answer']), *([put(x) for x in lists[s]] for s in SECTIONS))

    if 'variants' not in head:
        return [made(head['family'], head['value'], lambda x: x)]
    pairs = [v.split('=') for v in head['variants'].split()]
    return [made(head['family'] + '_' + c, v, lambda x, c=c: x.replace('{c}', c)) for c, v in pairs]


def read_all():
    out = []
    for path in sorted(glob.glob(os.path.join(FOLDER, '*.txt'))):
        if not path.endswith('two-steps.txt'):
            out += read(path)
    return out


def read_steps():
    """-> relation -> ways to name the person it leads to; family -> questions about that person"""
    relations, questions = {}, {}
    for line in open(os.path.join(FOLDER, 'two-steps.txt'), encoding='utf-8'):
        kind, _, rest = line.strip().partition(':')
        if rest:
            name, *ways = [w.strip() for w in rest.split(' | ')]
            {'relation': relations, 'question': questions}[kind][name] = ways
    return relations, questions


FAMILIES = read_all()
WEIGHTS = [.25 if f.name.startswith(('favorite_', 'pet_')) else 1. for f in FAMILIES]
BY_NAME = {f.name: f for f in FAMILIES}
BY_KIND = {}
for _f in FAMILIES:
    BY_KIND.setdefault(_f.subject, []).append(_f)
RELATIONS, STEP_QUESTIONS = read_steps()


class Fact:
    """One subject and its value. `standard` is the share of wordings taken from the standard lists."""
    __slots__ = ('family', 'parts', 's', 'v')

    def __init__(self, family, parts, s, v):
        self.family, self.parts, self.s, self.v = family, parts, s, v

    def key(self):
        return self.family.name, self.s.lower()

    def say(self, r, standard=.4):
        f = self.family
        lines = f.statements if r.random() < standard or not f.more_statements else f.more_statements
        return capital(r.choice(lines).format(s=self.s, v=self.v))

    def ask(self, r, reverse=True, standard=.4):
        f = self.family
        usual = r.random() < standard
        if reverse and f.reverse and r.random() < .12:
            return r.choice(f.reverse if usual or not f.more_reverse else f.more_reverse).format(v=self.v)
        return r.choice(f.questions if usual or not f.more_questions else f.more_questions).format(s=self.s)

    def answer(self):
        return capital(self.family.answer.format(s=self.s, v=self.v))


class Facts(Values):
    """Draws facts, and facts that could be taken for them."""

    def fact(self, family=None, like=None, subject=None):
        family = family or self.r.choices(FAMILIES, WEIGHTS)[0]
        parts, s = subject or self.subject(family.subject, like)
        for _ in range(9):
            v = self.value(family.value)
            if v.lower() != s.lower():
                break
        return Fact(family, parts, s, v)

    def new_fact(self, used, **kw):
        """a fact about something not in `used` yet, or None"""
        for _ in range(9):
            f = self.fact(**kw)
            if f.key() not in used:
                used.add(f.key())
                return f
        return None

    def near(self, f, used):
        """a fact that could be taken for f: same family and half of its subject, or same subject and other family"""
        r = self.r
        if r.random() < .65:
            return self.new_fact(used, family=f.family, like=f.parts if f.parts[1] and r.random() < .7 else None)
        return self.new_fact(used, family=r.choice(BY_KIND[f.family.subject]), subject=(f.parts, f.s))

    def two_steps(self, used):
        """-> two facts of which the first leads to the subject of the second, and the question; or None"""
        r = self.r
        relation = r.choice(list(RELATIONS))
        f = self.new_fact(used, family=BY_NAME[relation])
        if f is None:
            return None
        first, _, last = f.v.partition(' ')
        g = self.new_fact(used, family=BY_NAME[r.choice(list(STEP_QUESTIONS))], subject=((first, last), f.v))
        if g is None:
            return None
        ways, asks = RELATIONS[relation], STEP_QUESTIONS[g.family.name]
        who = (ways[0] if r.random() < .5 else r.choice(ways)).format(s=f.s)
        return f, g, (asks[0] if r.random() < .5 else r.choice(asks)).format(p=who)
