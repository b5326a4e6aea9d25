"""Reading-comprehension questions made from plain English book prose.

Each word of a sentence gets a one-letter tag (book_text); regular expressions over the tag string find a clause
(subject, verb, rest), and a question is built from its parts in another order than the text's.
"""
import random
import re
from typing import Iterator, NamedTuple

from book_text import (
    BASE, BODY, EMPTY, END, FORMS, NOT_YOU, NP, NP1, PARTICIPLE, PARTICIPLES, PERSONS, PLACES, PRONOUNS, REST,
    SAID, SAYING, STATIVE, STEM, SUBJ, TAG, THINGS, THIRD, TIMES, TITLES, UNITS, VAGUE, Document, Sentence, as_sentence,
    circumstance, head_of, is_plain, stems, who_or_what)


class BookQuestion(NamedTuple):
    """A question, a sentence that answers it, the shortest answer (verbatim in the text) and its kind."""
    question: str
    answer: str
    short: str
    kind: str


class Found(NamedTuple):
    """A question before the check that nothing else in the document answers it."""
    item: BookQuestion
    keys: tuple             # groups of stems (forms of one word); the first group is the verb's
    subject: str            # the subject as it stands in the question, '' if it is not there


_PRED = (r'(?P<a>a?)(?:(?P<x>H(?=a?[vpx])|B(?=a?[vpgx])|X(?=a?[Unj]))a?)?(?P<v>(?(x)[vpgUnjx]|(?:[vzBx]|H(?=[diSCe]))))'
         rf'(?P<r>a?{REST}{{0,18}}){END}')
CLAUSE = re.compile(rf'(?:^(?:K?a?,?|(?P<lead>P{NP}|[dDiR]j?n),?)|(?<=[;—])K?|(?<=,K)|(?<=[Ls])|(?<=vt))(?P<s>{SUBJ})'
                    rf'(?P<app>,[di][jn]{{0,3}}n(?:o{NP1})?,)?{_PRED}')
RELATIVE = re.compile(rf'(?P<lead>(?!))?(?<![jnDSdiCqMKoexvg])(?P<s>(?:[di][jvxg]?[jn]{{0,2}}n|M{{1,3}}))(?P<app>,?Q){_PRED}')
AGAIN = re.compile(rf'(?P<lead>(?!))?(?P<app>,K|K|,)(?=a?[vHBz]){_PRED}')
OBJECT = re.compile(rf'(?P<a>a?)(?P<o>{NP}(?:K{NP1})?)(?P<t>(?:(?:a?P|ao?){NP})*a?)$')
TAIL = re.compile(rf'(?P<p>P?)(?P<n>{NP})$')
_PHRASAL = frozenset('give take pull put lay pick set throw draw hold bring break tear cut knock lift fill drink eat'.split())
LIKE = re.compile(r'a?j(?:Ka?j)?$')
MANY = re.compile(rf'(?:^K?a?,?|(?<=[;,]))EB(?P<c>C+)(?P<n>[jn]{{0,2}}n)(?P<r>P{NP})')
NAMED = re.compile(r'(?P<n>[di][jn]{0,2}n)(?:,?(?P<v>v)|,S(?P<w>n)B)(?P<m>M{1,3})(?![nqjM])')
RARE = re.compile(r'[di][jn]?n(?![jnq])')
BREAK = re.compile('[.;:!?—"]|,[KL]')
_WHO = r'((?:(?:Mr|Mrs|Dr)\. |(?:Miss|Sir|Lady|Lord|Captain|Colonel|Aunt|Uncle) )?[A-Z][a-z]+(?: [A-Z][a-z]+)?|the (?:[a-z]+ )?[a-z]+)'
QUOTED = re.compile(rf'[“"]([^“”"\n]{{6,260}})([,!?])[”"] ({SAID}) {_WHO}(?=[.,;:])')
SAYS = re.compile(rf'(?:[.!?”"\n] ?){_WHO} ({SAID})[,:] [“"]([^“”"\n]{{6,260}}[.!?])[”"]')


def _frame(rng: random.Random, wh: str, inverted: str, finite: str) -> str:
    """A direct or indirect question; `inverted` follows the question word directly, `finite` in a clause."""
    n = rng.random()
    if n < 0.5:
        q = f'{wh} {inverted}?'
    elif n < 0.68:
        q = rng.choice(['According to the text, {}?', 'In the text, {}?', 'From the passage: {}?', 'In the story, {}?',
                        'Please answer this: {}?', 'Question: {}?']).format(f'{wh} {inverted}')
    else:
        q = rng.choice(['Do you know {}?', 'Can you tell me {}?', 'Tell me {}.', 'I would like to know {}.', 'Could you find out {}?',
                        'Please say {}.', 'Does the text say {}?', 'I want to know {}.', 'Find out {}.']).format(f'{wh} {finite}')
    q = q[0].upper() + q[1:]
    return q.lower().rstrip('?.') + rng.choice(['', '?']) if rng.random() < 0.08 else q


def _clauses(s: Sentence, doc: Document, rng: random.Random) -> Iterator[Found]:
    """Questions about the clauses of a sentence: subject, object, circumstances, complement, number, reason."""
    for m in CLAUSE.finditer(s.tags):
        yield from _clause(s, doc, rng, m, m.span('s'))
        n = AGAIN.match(s.tags, m.end())
        while n:                                 # 'The captain rose and went to the door'
            yield from _clause(s, doc, rng, n, m.span('s'))
            n = AGAIN.match(s.tags, n.end())
    if 'Q' in s.tags:
        for m in RELATIVE.finditer(s.tags):
            if s.words[m.end('app') - 1] in ('who', 'which'):
                yield from _clause(s, doc, rng, m, m.span('s'))


def _clause(s: Sentence, doc: Document, rng: random.Random, m: re.Match, subject_at: tuple[int, int]) -> Iterator[Found]:
    """Questions about one clause: m finds its predicate, subject_at is the subject's range of words."""
    (sa, sb), va, (ra, rb), lead, x = subject_at, m.start('v'), m.span('r'), m.span('lead'), m['x']
    word, tag, led = s.words[va].lower(), m['v'], lead[0] >= 0
    if tag == 'g' or tag == 'x' and word.endswith('ed'):
        base = ''
    elif tag == 'B' and not x:
        base = 'be'
    elif tag == 'H' and not x:
        base = 'have'
    elif x == 'X':
        base = word if word in FORMS and s.words[m.start('x')].lower() != 'did' else None
    else:
        base = PARTICIPLE.get(word) if x else THIRD.get(word) or BASE.get(word)
    after = m.end('app') if m['app'] else sb
    if base is None or rb - after + sb - sa + lead[1] - lead[0] > 20 or s.tags[rb - 1] in 'PdiSDKoEex' or rb == ra and not led:
        return
    if re.search('[nM][vxp]P', m['r']) and (m['r'][0] in 'Pa' or base in SAYING) or re.search('[PdiSDe]j+$|[PS][vx]', m['r']):
        return
    subject, rest = s.low(sa, sb), s.span(ra, rb)
    answer = as_sentence(f'{s.span(*lead) + ", " if led else ""}{subject if led else s.span(sa, sb)} {s.span(after, rb)}')
    definite = s.tags[sa] in 'dMq' and is_plain(s.words[sa:sb])
    finite, adverb = s.span(after, ra), s.span(after, after + 1) + ' ' if m['a'] else ''
    between = s.span(va - 1, va) + ' ' if x and s.tags[va - 1] == 'a' else ''
    verb = '' if base == 'be' else base or word

    def parts(tail: str, with_lead: bool = True) -> tuple[str, str]:
        """The words after the question word: inverted, and as a clause."""
        tail = (' ' + tail.strip() if tail else '') + (' ' + s.low(*lead) if led and with_lead else '')
        if base == 'be':
            return f'{word} {subject}{" " + adverb.strip() if adverb else ""}{tail}', f'{subject} {finite}{tail}'
        aux = s.words[m.start('x')].lower() if x else 'does' if tag == 'z' or word == 'has' else 'do' if word == 'have' else 'did'
        return f'{aux} {subject} {adverb}{between}{word if x else base}{tail}', f'{subject} {finite}{tail}'

    who = who_or_what(s, doc, sa, sb)
    if who == 'what' and ('himself' in rest or 'herself' in rest) or s.words[sa].lower() == 'its' or base in SAYING and m['r'][:1] == 'P' \
            or not x and tag in 'vx' and m['r'][:1] == 'P' and (word in PARTICIPLES or s.words[ra] == 'by'):
        return
    plain = is_plain(s.words[ra:rb], NOT_YOU) and not re.search('[rR]', m['r']) and not re.search('K[^vxn]*[vx]', m['r'])
    ends = s.tags[rb]
    content = sum(t in 'nMY' for t in m['r'])
    if who and content and rb - ra >= 2 and (m['app'] != ',' or tag != 'x') and \
            is_plain(s.words[ra:rb], NOT_YOU if s.tags[sa] != 'S' else NOT_YOU | PRONOUNS) and s.tags[sa] != 'C':
        keys = stems(s, (ra, rb), verb=verb)
        q = _frame(rng, who, f'{finite} {rest}', f'{finite} {rest}')
        o = OBJECT.match(m['r'])
        if who == 'who' and tag == 'v' and not x and o and not o['a'] and plain and base not in STATIVE and rng.random() < 0.4 \
                and s.words[ra + o.end('o') - 1] not in UNITS | TIMES | BODY:
            be = 'were' if 'K' in o['o'] or s.words[head_of(s, ra, ra + o.end('o'))].endswith('s') or o['o'][0] == 'C' else 'was'
            thing, tail = s.span(ra, ra + o.end('o')), s.span(ra + o.end('o'), rb)
            tail = ' ' + tail if tail else ''
            q = _frame(rng, 'by whom', f'{be} {thing} {FORMS[base][1]}{tail}', f'{thing} {be} {FORMS[base][1]}{tail}')
        yield Found(BookQuestion(q, answer, s.span(sa, sb), 'subject'), keys, '')
    elif s.tags[sa] == 'C' and (x or base) and content and plain and s.tags[sb - 1] == 'n' and 'K' not in s.tags[sa:sb]:
        q = _frame(rng, 'how many ' + s.span(sa + 1, sb), f'{finite} {rest}', f'{finite} {rest}')
        yield Found(BookQuestion(q, answer, s.words[sa], 'how many'), stems(s, (sa + 1, sb), (ra, rb), verb=verb), '')
    if not definite and s.tags[sa] != 'i' or not (x or base) or led and not is_plain(s.words[lead[0]:lead[1]], frozenset()):
        return
    if 'K' in s.tags[sa:sb] and base == 'be' and word in ('was', 'is'):
        return
    if definite and (ends == 'L' and s.words[rb].lower() == 'because' or ends == ',' and s.words[rb + 1:rb + 2] == ['because']):
        e, c = BREAK.search(s.tags, rb + 2), rb + (ends == ',')
        if e and 3 <= e.start() - c <= 16 and (m['r'] or base == 'be') and plain:
            reason = s.span(c, e.start())
            yield Found(BookQuestion(_frame(rng, 'why', *parts(rest)), as_sentence(reason), reason, 'why'),
                        stems(s, (sa, sb), (ra, rb), verb=verb), subject)
    if not plain or x == 'X' and s.words[m.start('x')].lower() not in ('could', 'would', 'might', 'must', 'can', 'will'):
        return
    subject_keys = stems(s, (sa, sb), verb=verb)
    closed = ends != ',' or s.tags[rb + 1:rb + 2] in 'RLQgXTPa' or re.match('K[vRBdMi]', s.tags[rb + 1:rb + 3])
    if base == 'be' and definite:
        if re.fullmatch(NP, m['r']) and (m['r'][0] in 'di' or 'o' in s.tags[sa:sb]) and closed and not led and s.tags[rb - 1] in 'nM':
            kind = who_or_what(s, doc, ra, rb)
            name = s.tags[sa] == 'M'
            if kind == 'who' or kind and not name:
                keys = ((f' {s.words[sb - 1].lower()} {word} ',),) if name else stems(s, (sa, sb))
                yield Found(BookQuestion(_frame(rng, kind, *parts('')), answer, rest, 'copula'), keys, subject)
        elif LIKE.match(m['r']) and who == 'what' and s.tags[sa] != 'M' and closed and s.words[sb - 1] not in EMPTY \
                and not re.search(r'\b(?:so|too|such|worth|done|over)\b|-|\d', rest):
            q = _frame(rng, 'what', *(p + ' like' for p in parts('')))
            yield Found(BookQuestion(q, answer, rest, 'copula'), ((f' {s.words[sb - 1].lower()} {word} ',), *stems(s, (sa, sb))), subject)
    o = OBJECT.match(m['r']) if x != 'B' or tag == 'g' else None
    if o and o['a'] and rest.split(' ')[0] in ('up', 'down') and base not in _PHRASAL:
        o = None
    if o and closed and definite and base != 'be' and (base not in STATIVE or base in ('keep', 'have')):
        a, b = ra + o.start('o'), ra + o.end('o')
        kind, head = who_or_what(s, doc, a, b), s.words[head_of(s, a, b)].lower()
        if kind and head not in UNITS and head not in TIMES and head not in EMPTY and is_plain(s.words[b:rb], frozenset()):
            tail = ' '.join(filter(None, [s.span(ra, a), s.span(b, rb)]))
            if s.tags[a] == 'C' and s.tags[b - 1] == 'n' and 'K' not in o['o'] and rng.random() < 0.8:
                q = _frame(rng, 'how many ' + s.span(a + 1, b), *parts(tail))
                yield Found(BookQuestion(q, answer, s.words[a], 'how many'), stems(s, (sa, sb), (a + 1, rb), verb=verb), subject)
            else:
                q = _frame(rng, kind if kind == 'what' else rng.choice(['who', 'whom']), *parts(tail))
                yield Found(BookQuestion(q, answer, s.span(a, b), 'object'), subject_keys + stems(s, (b, rb)), subject)
    t = TAIL.search(m['r'])
    if t:
        p, a, c = ra + t.start('p') if t['p'] else -1, ra + t.start('n'), ra + t.start()
        wh = circumstance(s, doc, p, a, rb, base)
        if wh and s.tags[c - 1] not in 'PdiSDKo' and (definite or wh == 'where') \
                and not (wh == 'to whom' and ' to ' in f' {s.span(ra, c)} '):
            q = _frame(rng, wh, *parts(s.span(ra, c) + (' from' if p >= 0 and s.words[p] == 'from' else '')))
            yield Found(BookQuestion(q, answer, s.span(c, rb), wh), subject_keys + stems(s, (ra, c)), subject)
    if led:
        p = lead[0] if s.tags[lead[0]] == 'P' else -1
        wh = circumstance(s, doc, p, lead[0] + (p >= 0), lead[1], base)
        if wh and wh[-4:] != 'whom' and definite:
            yield Found(BookQuestion(_frame(rng, wh, *parts(rest, False)), answer, s.span(*lead), wh),
                        subject_keys + stems(s, (ra, rb)), subject)


def _others(s: Sentence, doc: Document, rng: random.Random) -> Iterator[Found]:
    """Questions about a number ('There were nine men') and a name ('a dog called Rover')."""
    for m in MANY.finditer(s.tags):
        if is_plain(s.words[m.start('n'):m.end('r')]):
            noun, r, be = s.span(*m.span('n')), s.span(*m.span('r')), s.words[m.start('c') - 1]
            there = rng.random() < 0.5
            q = _frame(rng, f'how many {noun}', f'{be} there {r}' if there else f'{be} {r}', f'there {be} {r}' if there else f'{be} {r}')
            yield Found(BookQuestion(q, as_sentence(s.span(m.start('c') - 2, m.end('r'))), s.span(*m.span('c')), 'how many'),
                        stems(s, (m.start('n'), m.end('r'))), '')
    for m in NAMED.finditer(s.tags):
        if m['v'] and s.words[m.start('v')] in ('called', 'named') or m['w'] and s.words[m.start('w')] == 'name':
            full, name = 'the ' + s.span(m.start('n') + 1, m.end('n')), s.span(*m.span('m'))
            if len(doc.where((' ' + s.words[m.end('n') - 1].lower(),))) <= 2:
                q = rng.choice([_frame(rng, 'what', f'was {full} called', f'{full} was called'),
                                _frame(rng, 'what', f'was the name of {full}', f'the name of {full} was')])
                yield Found(BookQuestion(q, f'{full[0].upper()}{full[1:]} was called {name}.', name, 'naming'), (), '')


def _rare(s: Sentence, doc: Document, rng: random.Random) -> BookQuestion | None:
    """'What does the text say about ...?' for a noun that stands nowhere else, or a sentence with a word left out."""
    if not 8 <= len(s.words) <= 38 or s.tags[0] in 'RX"' or s.text[-1] not in '.!?' or not s.text[0].isupper():
        return None
    found = [m for m in RARE.finditer(s.tags) if len(s.words[m.end() - 1]) > 3]
    rng.shuffle(found)
    for m in found:
        w = s.words[m.end() - 1].lower()
        if w in UNITS or w in TIMES or w in EMPTY or doc.all.count(' ' + STEM.sub('', w)) != 1:
            continue
        topic = m.start() < 3 or w in THINGS or w in PERSONS or w in PLACES and m.end() - m.start() > 2
        if rng.random() < 0.6 and len(s.words) <= 35 and topic and w not in BODY:
            thing = s.low(m.start(), m.end()) if s.tags[m.start()] == 'd' else 'the ' + s.span(m.start() + 1, m.end())
            q = rng.choice(['What does the text say about {}?', 'What is said about {}?', 'What do we learn about {}?',
                            'Tell me what the text says about {}.', 'Which sentence mentions {}?',
                            'Where does the text mention {}? Quote the sentence.', 'what does it say about {}'])
            return BookQuestion(q.format(thing), s.text, s.text, 'about')
        if s.tags[m.end():m.end() + 1] == 'K' or s.tags[m.end() - 2] == 'n' and w in FORMS:
            continue
        k, words = m.end() - 1, s.words
        a, b = max(0, k - rng.randrange(5, 9)), min(len(words), k + rng.randrange(4, 8))
        gap = (s.span(a, k) + ' ___' + s.text[s.spans[k][1]:s.spans[b - 1][1]]).strip(' ,;')
        q = rng.choice(['Which word is missing: "{}"?', 'Fill in the missing word: {}', 'What word belongs in the gap? "{}"',
                        'Complete with the word from the text: "{}"'])
        return BookQuestion(q.format(gap), s.text if len(words) <= 20 else f'The missing word is "{words[k]}".', words[k], 'cloze')
    return None


def _speech(doc: Document, rng: random.Random, most: int) -> list[BookQuestion]:
    """Questions about who said something, and what somebody said."""
    out: list[BookQuestion] = []
    at = rng.randrange(max(1, len(doc.text) - 3000))
    text = doc.text[at:at + 4000]
    for m, (q, v, w) in [(m, (1, 3, 4)) for m in QUOTED.finditer(text)] + [(m, (3, 2, 1)) for m in SAYS.finditer(text)]:
        speaker, verb, quote = m[w], m[v], re.split(r'(?<=[a-z][.!?]) (?=[A-Z])', m[q])[-1].strip()
        noun = speaker.split(' ')[-1]
        person = noun in PERSONS if speaker[0] == 't' else doc.is_person(speaker.split(' ')) is not False and noun not in TITLES
        if not person or not 3 <= quote.count(' ') <= 18 or not quote[0].isupper() or doc.text.count(quote) != 1 \
                or TAG.get(speaker.lower(), 'n') in 'RQdaLTPZKE':
            continue
        quoted, end = quote.rstrip(',.'), m[2] if q == 1 and m[2] in '!?' else ''
        pair = rng.choice(['""', '“”'])
        said = f'{pair[0]}{quoted}{end}{pair[1]}'
        base = {'cried': 'cry', 'replied': 'reply', 'said': 'say'}.get(verb) or BASE.get(verb)
        answer = f'{speaker[0].upper()}{speaker[1:]} {verb}, "{quoted}{end or "" if (quoted + end)[-1] in "!?" else "."}"'
        again = len(re.findall(rf'\b(?:{SAID}) (?:the )?(?:\w+\.? )?{noun}\b|{noun} (?:{SAID})\b', doc.text))
        if again == 1 and base and (q == 3 or text[m.end()] == '.') and rng.random() < 0.5 and len(quoted) == len(m[q].rstrip(',.')):
            out.append(BookQuestion(_frame(rng, 'what', f'did {speaker} {base}', f'{speaker} {verb}'), answer, quoted, 'speech'))
        else:
            asked = re.sub(r'([?!])(["”])[?.]$', r'\1\2', _frame(rng, 'who', f'{verb} {said}', f'{verb} {said}'))
            out.append(BookQuestion(asked, answer, speaker, 'speech'))
    return rng.sample(out, min(most, len(out)))


_WEIGHT = {'subject': 1, 'object': 3, 'copula': 3, 'where': 6, 'when': 8,
           'with whom': 8, 'to whom': 8, 'how long': 8, 'how many': 6, 'naming': 8, 'why': 8}


def _pick(doc: Document, rng: random.Random, most: int) -> Iterator[tuple[Found, int]]:
    """Checked questions about distinct sentences in random order, with the sentence's number."""
    order = rng.sample(range(len(doc.sentences)), min(len(doc.sentences), 14 * most + 16))
    for w in ('because', 'called', 'named', 'there were', 'for three'):
        order[:0] = [k for k in doc.where((' ' + w,)) if rng.random() < 0.5][:1]
    for k in dict.fromkeys(order):
        text = doc.sentences[k]
        if not 24 <= len(text) <= 420 or '"' in text or '“' in text or '”' in text or text[0] in "'‘":
            continue
        s = Sentence(text, doc)
        found = [*_clauses(s, doc, rng), *_others(s, doc, rng)]
        found.sort(key=lambda f: rng.random() ** (1 / _WEIGHT[f.item.kind]), reverse=True)
        for f in found:
            if not doc.clash(f.keys, k) and f.item.short.lower() not in f.item.question.lower():
                if f.item.kind in ('subject', 'naming', 'copula') or len(f.keys) > 2 or not doc.by_pronoun(f.keys[0], k):
                    yield f, k
                    break
        else:
            if rng.random() < 0.5:
                q = _rare(s, doc, rng)
                if q:
                    yield Found(q, (), ''), k


def questions(document: str, rng: random.Random, most: int) -> list[BookQuestion]:
    """Up to `most` questions about distinct sentences of the document."""
    doc = Document(document)
    out = _speech(doc, rng, 1 + most // 4) if rng.random() < 0.5 else []
    loose = most // 4 + (rng.random() < 0.25)
    for f, _ in _pick(doc, rng, most):
        if len(out) >= most:
            break
        if f.item.kind in ('about', 'cloze'):
            if not loose:
                continue
            loose -= 1
        out.append(f.item)
    rng.shuffle(out)
    return out[:most]


_MISSABLE = ('object', 'where', 'when', 'how long', 'to whom', 'why', 'how many')


def _near_miss(doc: Document, rng: random.Random) -> str | None:
    """A question of the document asked of another of its people, who did no such thing there."""
    names = {n for n in re.findall(r'(?<=[a-z,;] )(?:(?:Mr|Mrs|Dr)\. |Miss |Sir |Lady |Captain )?[A-Z][a-z]{2,}\b(?! [A-Z])', doc.joined)}
    for f, k in _pick(doc, rng, 6):
        person = f.subject[:1].isupper() or f.subject.split(' ')[-1] in PERSONS
        if person and not re.search(r' (?:were|are|have|do|and) ', f.item.question) and f.item.kind in _MISSABLE \
                and doc.where(f.keys[0]) == {k} and not any(' ' + v in f.keys[0] for v in VAGUE):
            near = ' '.join(doc.sentences[max(0, k - 2):k + 3])
            people = [n for n, last in ((n, n.split(' ')[-1]) for n in sorted(names))
                      if n not in TITLES and last not in near and last.lower() not in TAG and doc.is_person(n.split(' '))]
            q = f.item.question
            if people and (f.subject in q or f.subject.lower() in q):
                name = rng.choice(people)
                return q.replace(f.subject, name, 1) if f.subject in q else q.replace(f.subject.lower(), name.lower(), 1)
    return None


def absent(document: str, rng: random.Random, other: str) -> str | None:
    """A question that the document does not answer, made from it with another name or from the other text; None when not safe."""
    doc = Document(document)
    if rng.random() < 0.6:
        q = _near_miss(doc, rng)
        if q:
            return q
    source = Document(other)
    for f, k in _pick(source, rng, 3):
        if f.item.kind in ('cloze', 'copula') or not f.keys:
            continue
        held = [bool(doc.where(g)) for g in f.keys]
        shared: set[int] = set()
        for g in f.keys:
            if shared & doc.where(g):
                break
            shared |= doc.where(g)
        else:
            names = [g for g in f.keys if f' {g[0].strip().capitalize()}' in source.sentences[k]]
            if len(held) >= 2 and 2 * sum(held) <= len(held) or names and not any(doc.where(g) for g in names):
                return f.item.question
    return None
