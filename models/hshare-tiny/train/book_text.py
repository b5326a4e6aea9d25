"""Words, tags and look-ups for book prose: one letter per word from data/grammar.txt, nouns.txt and verbs.txt."""
import bisect
import os
import re
from typing import Iterator


def _lines(name: str) -> list[str]:
    """The lines of a word file."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'data', name), encoding='utf-8') as f:
        return f.read().split('\n')


_WORDS: dict[str, list[str]] = {}                # words by section
for _line in _lines('nouns.txt') + _lines('grammar.txt'):
    if _line.startswith('['):
        _now = _WORDS.setdefault(_line.strip('[]'), [])
    else:
        _now.extend(_line.split())
(PERSONS, THINGS, PLACES, BODY, UNITS, TIMES, FIRST, MONTHS, DAYS, TITLES, TOWNS, VAGUE, STATIVE, MOTION, FROM,
 NOT_AT, POINTING, EMPTY, SAYING, RESTING, NEARBY, PARTICIPLES) = (
    frozenset(_WORDS[k]) for k in 'persons things places body units times names months days titles placenames vague stative motion '
                                  'fromverbs notat pointing nothings saying resting nearby participles'.split())
PRONOUNS = frozenset('his her its their'.split())
NOT_YOU = frozenset('me you us it one something'.split())
TAG = {w: k[4] for k, ws in _WORDS.items() if k.startswith('tag ') for w in ws}
BASE = {'had': 'have'}                           # past form -> base form
THIRD = {}                                       # 'carries' -> base form
PARTICIPLE = {}                                  # participle -> base form
FORMS = {}                                       # base form -> past form, participle
_VERBS = [line.replace('*', '').split() + [line[-1]] for line in _lines('verbs.txt') if line]
for _b, _p, *_q in _VERBS:
    FORMS[_b] = (_p, _q[0] if len(_q) > 1 else _p)
    BASE.setdefault(_p, _b)
    PARTICIPLE.setdefault(FORMS[_b][1], _b)
    TAG.setdefault(_p, 'v')
    TAG.setdefault(FORMS[_b][1], 'p')
for _b, *_, _star in _VERBS:
    if _star != '*':                             # a base form that is seldom a noun
        _s = _b[:-1] + 'ies' if re.search('[^aeiou]y$', _b) else _b + ('es' if re.search('(?:s|x|z|ch|sh|o)$', _b) else 's')
        TAG.setdefault(_b, 'U')
        THIRD[_s] = _b
        TAG.setdefault(_s, 'z')
for _n in _WORDS['nouns']:
    TAG.setdefault(_n, 'n')

_SPLIT = re.compile(r'(?<=[.!?"”’)])\s+(?=["“‘(]?[A-Z])')
_ABBR = re.compile(r'(?:\b(?:Mrs?|Dr|St|Capt|Col|Gen|[A-Z])\.|\w["”’)])$')
_TOKEN = re.compile(r"(?:Mrs?|Dr|St|Capt|Col|Gen)\.|[A-Z]\.(?= [A-Z])|--+|\w+(?:['’-]\w+)*(?:s['’](?= ))?|[^\w\s]")
STEM = re.compile(r'(?:ies|ing|ed|es|s|y|e)$')
SAID = 'said|replied|cried|asked|answered|exclaimed|whispered|shouted|murmured|observed|remarked|inquired|muttered'
_SAYING = re.compile(SAID)
ABSTRACT = re.compile('(?:ness|tion|sion|ity|ment|ance|ence|ings?|ism|ure|air|peace|war|love|silence|vain|fact|case|spite|point|'
                      'terms|mind|mood|attitude|tude|way|manner)s?$')

# parts of patterns over tag strings: noun phrases, subjects, the rest and the end of a clause
_DET = r'(?:[diSe]C?|e?d|[CD]|d?M*q|[diS][jn]?q)'
NP1 = rf'(?:{_DET}[jvgnxp]{{0,3}}?n(?![jnqM])|d?j?(?:M+|Y)(?![nqM])|j?n(?![jnqM]))'
NP = rf'{NP1}(?:o{NP1})*'
SUBJ1 = rf'(?:(?:[diSe]C?|ed|C|d?M*q|[dS]j?q)[jvnxg]{{0,2}}?n(?![jnqM])(?:o{NP1})?(?:P{NP1})?|dj?M(?![nqMo])|M{{1,3}}(?![nqM]))'
SUBJ = rf'(?:{SUBJ1}(?:K{SUBJ1})?)'
REST = r'(?:[diDSCjnMYqoPaegr]|(?<=[diDSjCe])[vxp]|(?<=[nM])[vxp](?=P)|(?<=P)[UR]|K(?=[diDSCjnMqe]))'
END = r'(?=[.!;:—,L]|K[vxpRBHX]|Ka[vxp]|s[RdMS])'


class Sentence:
    """Words, tags and positions of one sentence."""

    def __init__(self, text: str, doc: 'Document'):
        self.text = text
        self.spans = [m.span() for m in _TOKEN.finditer(text)]
        self.words = [text[a:b] for a, b in self.spans]
        self.tags = ''.join([self._tag(k, w, doc) for k, w in enumerate(self.words)])

    @staticmethod
    def _tag(k: int, w: str, doc: 'Document') -> str:
        c = w[0]
        if c.islower():
            t = TAG.get(w)
            if t:
                return t
            if w[-1] == 's' and w[-2:-1] in "'’" or w[-1] in "'’":
                return 'q'
            if "'" in w or '’' in w:
                return 'X'
            return 'a' if w.endswith('ly') else 'g' if w.endswith('ing') else 'x' if w.endswith('ed') else 'j'
        if not c.isalnum():
            return w if w in ',;:.!?' else '—' if w in ('--', '—', '---') else '"'
        if c.isdigit():
            return 'Y' if len(w) == 4 and w.isdigit() else 'C' if w.isdigit() else 'x'
        if len(w) > 1 and w.isupper():
            return 'x'
        low = w.lower()
        t = TAG.get(low)
        if k == 0 and (t and (t not in 'nUvpzj' or not doc.is_name(w)) or not t and w[-2:-1] not in "'’" and not doc.is_name(w)):
            return t or 'x'
        return 'R' if w == 'I' or w[:2] in ("I'", 'I’') else 'q' if w[-1] == 's' and w[-2:-1] in "'’" or w[-1] in "'’" else 'M'

    def span(self, a: int, b: int) -> str:
        """The text of words a to b (b excluded)."""
        return self.text[self.spans[a][0]:self.spans[b - 1][1]] if b > a else ''

    def low(self, a: int, b: int) -> str:
        """The same, with a small first letter unless it is a name."""
        t = self.span(a, b)
        return t if self.tags[a] in 'Mq' else t[:1].lower() + t[1:]


class Document:
    """A document's sentences and some look-ups."""

    def __init__(self, text: str):
        self.text = text
        self.sentences: list[str] = []
        for paragraph in text.replace('\f', '\n\n').split('\n\n'):
            start = 0
            for m in _SPLIT.finditer(paragraph):
                if not _ABBR.search(paragraph, max(start, m.start() - 6), m.start()):
                    self.sentences.append(paragraph[start:m.start()])
                    start = m.end()
            self.sentences.append(paragraph[start:].strip())
        self.joined = '\n'.join(self.sentences)
        self.all = '\n ' + '\n '.join(self.sentences).lower().replace('“', ' ').replace('"', ' ').replace('-', ' ')
        self.starts = []
        n = 0
        for s in self.sentences:
            self.starts.append(n)
            n += len(s) + 2
        self._names: dict[str, bool] = {}
        self._persons: dict[tuple, bool | None] = {}
        self._where: dict[tuple, frozenset] = {}

    def around(self, word: str, most: int = 8) -> Iterator[tuple[str, str]]:
        """The words before and after each place where a word stands."""
        at = self.joined.find(word)
        while at >= 0 and most:
            end = at + len(word)
            before, after = self.joined[max(0, at - 16):at], self.joined[end:end + 12]
            if before[-1:] in (' ', '', '\n', '“', '"', '(') and not after[:1].isalpha():
                most -= 1
                yield before, after
            at = self.joined.find(word, end)

    def is_name(self, w: str) -> bool:
        """Whether a capitalised first word is a proper name here."""
        if w not in self._names:
            self._names[w] = w in FIRST or w in TITLES or w in TOWNS or f' {w.lower()} ' not in self.joined and (
                w.lower() not in TAG and len(w) > 2 and not w.endswith(('s', 'ly', 'ing', 'ed', 'ous', 'ful', 'ive', 'al', 'less', 'ic'))
                or any(len(b) > 1 and b[-1] == ' ' and (b[-2].islower() or b[-2] == ',') for b, _ in self.around(w)))
        return self._names[w]

    def is_person(self, words: list[str]) -> bool | None:
        """Whether a proper name is a person's; None when the text does not tell."""
        key = (words[0], words[-1])
        if key not in self._persons:
            self._persons[key] = self._is_person(words)
        return self._persons[key]

    def _is_person(self, words: list[str]) -> bool | None:
        if words[0] in TITLES or words[0] in FIRST:
            return True
        if words[-1] in TOWNS or words[-1] in DAYS or words[-1] in MONTHS:
            return False
        score = 0
        for b, a in self.around(words[-1], 12):
            b, a = b.split(' '), a.split(' ')
            if len(b) > 1 and b[-2] in TITLES or len(a) > 1 and _SAYING.match(a[1]) or len(b) > 1 and _SAYING.fullmatch(b[-2]):
                return True
            score += len(a) > 2 and a[1] in BASE
            score -= len(b) > 1 and b[-2].lower() in ('in', 'near', 'into', 'through', 'the')
        return True if score > 0 else False if score < 0 else None

    def where(self, group: tuple) -> frozenset:
        """The numbers of the sentences that have one of the stems."""
        if group not in self._where:
            out = set()
            for stem in group:
                at = self.all.find(stem)
                while at >= 0:
                    out.add(bisect.bisect_right(self.starts, at) - 1)
                    at = self.all.find(stem, at + 1)
            self._where[group] = frozenset(out)
        return self._where[group]

    def by_pronoun(self, verb: tuple, here: int) -> bool:
        """Whether another sentence has the verb with a pronoun as its subject."""
        forms = re.compile(r'(?i)\b(?:he|she|it|they) (?:\w+ ){0,2}(?:%s)' % '|'.join(v[1:] for v in verb))
        return any(k != here and forms.search(self.sentences[k]) for k in self.where(verb))

    def clash(self, keys: tuple, here: int) -> bool:
        """Whether another sentence has enough of the key words to give another answer."""
        hits: dict[int, int] = {}
        for group in keys:
            for k in self.where(group):
                hits[k] = hits.get(k, 0) + 1
        hits.pop(here, None)
        n, first = len(keys), self.where(keys[0]) if keys else ()
        return any(c == n or c >= 3 or c >= 2 and k in first for k, c in hits.items())


def is_plain(words: list[str], also: frozenset = PRONOUNS) -> bool:
    """Whether a phrase has no word that points outside it."""
    return not any(w.lower() in POINTING or w in also for w in words)


def stems(s: Sentence, *ranges: tuple[int, int], verb: str = '') -> tuple:
    """Stems of the verb (first) and of the content words in the ranges."""
    stem = lambda w: ' ' + (STEM.sub('', w) if len(w) > 5 else w)
    out = [tuple(sorted({stem(f) for f in (verb, *FORMS.get(verb, ()))}))] if verb else []
    for a, b in ranges:
        out += [(stem(s.words[k].lower()),) for k in range(a, b) if s.tags[k] in 'nMYgvC']
    return tuple(dict.fromkeys(out))


def head_of(s: Sentence, a: int, b: int) -> int:
    """The index of a noun phrase's head word: the last word before an 'of' or another preposition."""
    ends = [k for k in (s.tags.find(c, a + 1, b) for c in 'oPK') if k > a]
    return min(ends, default=b) - 1


def who_or_what(s: Sentence, doc: Document, a: int, b: int) -> str:
    """'who', 'what' or '' (cannot tell) for the noun phrase of words a to b."""
    h = head_of(s, a, b)
    w = s.words[h].lower()
    if 'whose' in s.words[a:b] or w in ('crowd', 'band', 'host', 'crew') and s.tags[h + 1:h + 2] == 'o':
        return ''
    if s.tags[h] == 'M':
        k = h
        while k > a and s.tags[k - 1] == 'M':
            k -= 1
        if k > a:                                # 'the Admiral'
            return 'who' if w in PERSONS else ''
        return {True: 'who', False: 'what', None: ''}[doc.is_person(s.words[k:h + 1])]
    if w in PERSONS:
        return 'who'
    return 'what' if w in THINGS or w in PLACES or not re.search(r'(?:er|or|ist|ess|man|men|ian|ant|folk|ent)s?$', w) else ''


def circumstance(s: Sentence, doc: Document, p: int, a: int, b: int, base: str) -> str:
    """The question word for a prepositional phrase (preposition p, -1 if none; noun phrase a to b), '' if none fits."""
    prep, h = s.words[p].lower() if p >= 0 else '', head_of(s, a, b)
    head, tag, first = s.words[h].lower(), s.tags[h], s.words[a].lower()
    if b - a > 8 or not is_plain([w for w in s.words[a:b] if w not in ('next', 'same')], frozenset()):
        return ''
    if prep == 'for' and head in UNITS and head != 'time' and (s.tags[a] in 'Ce' or first in ('a', 'an')):
        return 'how long'
    if prep in ('in', 'on', 'at', '', 'during') and (
            tag == 'Y' and prep == 'in' or prep and (s.words[h] in MONTHS or s.words[h] in DAYS) or prep == 'during'
            or head in TIMES and (s.tags[a] in 'dDR' or a == h) and (prep or b - a > 2 or first in ('one', 'that'))):
        return 'when'
    if prep in ('with', 'to') and who_or_what(s, doc, a, b) == 'who' and (prep == 'with' or base not in MOTION):
        return prep + ' whom'
    if prep in ('during', 'for', 'with', 'without', 'about', 'by', 'off', 'past', '') or prep == 'at' and base in NOT_AT:
        return ''
    if prep == 'from' and (base not in FROM or s.tags[p - 1] not in 'vpgaUj'):
        return ''
    if tag == 'M' and not (head in PLACES and s.tags[a] in 'di'):
        ok = prep in ('in', 'at', 'near', 'to', 'from', 'into') and doc.is_person(s.words[h:h + 1]) is False \
            and (prep != 'to' or base in MOTION)
    else:
        solid = head in PLACES or not ABSTRACT.search(head) and tag == 'n' and (
            prep in NEARBY or base in RESTING and prep in ('on', 'upon', 'in', 'by', 'under', 'over', 'before', 'at'))
        ok = solid and head not in UNITS and head not in TIMES and s.tags[a] in 'diSqC' \
            and not (head in BODY and prep in ('in', 'at', 'from', 'with'))
    return 'where' if ok else ''


def as_sentence(text: str) -> str:
    """A clause as a sentence."""
    text = text.strip(' ,;:—-')
    return text[0].upper() + text[1:].rstrip('.!?') + '.'
