"""Conversations about a document: planted facts, scenarios, questions on book prose, quotes, and what the document does not say."""
import json

import book_questions
import books
from chat_format import ABSENT, BOOK, CHAT, FACT, NOT_SAID, QUOTE, REST, TWO, WORDED
from scenarios import SLOT, Filled
from talk import SYSTEM, talk_chat
from tools import Tools

INSTRUCTIONS = [
    'Answer from the document below.', 'Answer the questions with what the document says.', 'Use only this document to answer.',
    'You answer questions about the document. If the document does not say, answer: ' + NOT_SAID,
    'Read the document and answer the user in one short sentence.', 'You are a helpful assistant. Answer from the document.',
    'Answer only from the document. If the answer is not in it, say: ' + NOT_SAID, 'The user will ask about the following document.',
    'Here is a document. Answer what the user asks about it.', 'Answer from the document.', 'Base every answer on the document.',
    'You help people find things in a long document.', 'You are given a text and questions on it.']
BRIEF = ['Answer with as few words as possible.', 'Give only the answer, no sentence.', 'Answer in a few words.',
         'Reply with the bare fact.']
BRIEFLY = [' Answer in a few words.', ' Just the answer, please.', ' (short answer)', ' In a few words.']
AS_JSON = ['Answer as JSON: ', 'Reply with a JSON object that has the key "answer": ', 'As JSON, please: ']
PLACES = ['Where in the document does it say so?', 'Under which heading is that?', 'In which section did you find that?',
          'Where does that stand?']
THANKS = ['Thank you.', 'Thanks!', 'Thank you very much.', 'Great, thanks.', 'Thanks a lot']


class Turn:
    """A question and its answer, in short too where there is a short form; `then` holds what is asked right after it."""
    __slots__ = ('question', 'answer', 'short', 'code', 'then')

    def __init__(self, question, answer, code, short=None, then=()):
        self.question, self.answer, self.code, self.short, self.then = question, answer, code, short, list(then)


class Conversations(Tools):
    """Draws conversations. `standard` is the share of facts in the standard wordings; scenarios come as often as they have questions."""

    def __init__(self, text, seed, lexicon, scenarios, standard=.5):
        super().__init__(text, seed, lexicon)
        self.scenarios, self.standard = scenarios, standard
        self.many = [len(s.questions) for s in scenarios]

    # ---- turns ----

    def wrapped(self, q, share=.3):
        """now and then in other clothes: a polite frame, lower case, no question mark"""
        r = self.r
        if r.random() >= share:
            return q
        low = q[0].lower() + q[1:] if not q.startswith(('I ', "I'")) else q
        return r.choice(('According to the document, ' + low, 'Please tell me: ' + low, 'Question: ' + q, q.rstrip('?.'), low,
                         q + ' Answer in one sentence.', 'Can you tell me, ' + low, 'Hi! ' + q, 'One more thing: ' + low, q + ' Thanks.'))

    def fact_turns(self, kinds, used):
        """-> facts to plant, and turns about them"""
        r, facts, turns = self.r, [], []
        for kind in kinds:
            steps = self.two_steps(used) if kind == TWO and r.random() < .35 else None
            if steps:
                f, g, q = steps
                facts += [f, g]
                if r.random() < .5:
                    facts += [self.near(f, used), self.near(g, used)]
                turns.append(Turn(self.wrapped(q), f.answer() + ' ' + g.answer(), TWO))
                continue
            f = self.new_fact(used)
            g = self.new_fact(used) if kind == TWO else None
            if f is None or kind == TWO and g is None:
                continue
            if kind == TWO:
                facts += [f, g] + ([self.near(f, used)] if r.random() < .6 else [])
                a, b = f.ask(r, False, self.standard), g.ask(r, False, self.standard)
                low = b[0].lower() + b[1:]
                q = r.choice((a + ' ' + b, a + ' ' + b, a.rstrip('?.') + ', and ' + low,
                              'Two questions: ' + a + ' ' + b, a + ' And ' + low))
                turns.append(Turn(q, f.answer() + ' ' + g.answer(), TWO))
            elif kind == ABSENT:
                facts += [self.near(f, used) for _ in range(r.choice((0, 1, 1, 2, 2, 3)))]
                turns.append(Turn(self.wrapped(f.ask(r, True, self.standard)), NOT_SAID, ABSENT, NOT_SAID))
            else:
                facts += [f] + [self.near(f, used) for _ in range(r.choice((0, 1, 1, 2, 2, 3)))]
                turns.append(Turn(self.wrapped(f.ask(r, True, self.standard)), f.answer(), FACT, f.v))
        return [f for f in facts if f], turns

    def scenario_turns(self, filled, most, named=False):
        """turns about a filled scenario; `named`: only wordings that name one of its values"""
        r, out = self.r, []
        questions = list(filled.scenario.questions)
        r.shuffle(questions)
        for q in questions[:most]:
            wordings = [w for w in q.wordings if SLOT.search(w)] if named else q.wordings
            if not wordings:
                continue
            a, s = filled.answer(q)
            turn = Turn(self.wrapped(filled.ask(wordings), .15), a, WORDED, s)
            if q.follow and r.random() < .5:
                for f in q.follow[:r.randint(1, len(q.follow))]:
                    fa, fs = filled.answer(f)
                    turn.then.append(Turn(filled.ask(f.wordings), fa, WORDED, fs))
            elif r.random() < .12:
                h = heading_of(filled.document, s)
                if h:
                    turn.then.append(Turn(r.choice(PLACES), f'Under the heading "{h}".', WORDED, h))
            out.append(turn)
        if named:
            return out
        absent = list(filled.scenario.absent)
        r.shuffle(absent)
        for wordings in absent[:max(1, round(len(out) * r.choice((0, .3, .5))))]:
            out.append(Turn(self.wrapped(filled.ask(wordings), .15), NOT_SAID, ABSENT, NOT_SAID))
        if r.random() < .08:
            out += self.extraction(filled)
        return out

    def extraction(self, filled):
        """one request for several values as a JSON object, keyed by the names of the slots"""
        whole = [q.short[1:-1] for q in filled.scenario.questions if SLOT.fullmatch(q.short) and '.' not in q.short]
        whole = [n for n in whole if len(n) > 3 and not n[-1].isdigit()]
        if len(whole) < 2:
            return []
        names = self.r.sample(whole, min(len(whole), self.r.randint(2, 4)))
        values = {n: filled.say('{' + n + '}') for n in names}
        q = self.r.choice(('Extract as JSON: {n}.', 'Give me a JSON object with the keys {n}.', 'Fill in this JSON from the document: {n}',
                           'Return {n} as JSON.'))
        return [Turn(q.format(n=', '.join(names)), json.dumps(values, ensure_ascii=False), WORDED)]

    def book_turns(self, doc, most):
        r, out = self.r, []
        for q in book_questions.questions(doc, r, most + 2):
            if q.kind not in ('subject', 'cloze') or r.random() < .6:       # the two that any sentence gives
                out.append(Turn(q.question, q.answer, BOOK, q.short))
        if r.random() < .3:
            a = r.randrange(0, max(1, len(self.t) - 3000))
            q = book_questions.absent(doc, r, self.t[a:a + 3000])
            if q:
                out.append(Turn(q, NOT_SAID, ABSENT, NOT_SAID))
        return out

    def quote_turns(self, doc, count):
        quotes = [books.quote(doc, self.r) for _ in range(count)]
        return [Turn(q, a, QUOTE) for q, a in filter(None, quotes)]

    # ---- documents ----

    def planted(self, facts):
        """-> facts as sentences, each with a depth 0..1"""
        return [(self.r.random(), f.say(self.r, self.standard)) for f in facts]

    def fact_document(self, n):
        r = self.r
        most = 3 if n < 1500 else 6 if n < 6000 else 8
        count = 1 if r.random() < .3 else r.randrange(1, most + 1)
        kinds = r.choices((FACT, TWO, ABSENT, QUOTE), (50, 11, 22, 17), k=count)
        used = set()
        facts, turns = self.fact_turns([k for k in kinds if k != QUOTE], used)
        while len(facts) < r.randrange(0, 6):
            facts += filter(None, [self.new_fact(used)])
        items = self.planted(facts)
        doc = books.insert(books.passage(self.t, max(200, n - sum(len(s) for _, s in items)), r), items, r)
        return doc, turns + self.quote_turns(doc, kinds.count(QUOTE))

    def scenario_document(self, n):
        r = self.r
        filled = [Filled(s, self) for s in r.choices(self.scenarios, self.many, k=1 if r.random() < .8 else 2)]
        blocks = [f.document for f in filled]
        room = n - sum(map(len, blocks))
        facts, turns = self.fact_turns(r.choices((FACT, ABSENT), (3, 1), k=r.choice((0, 0, 0, 1, 2))), set())
        for f in filled:
            turns += self.scenario_turns(f, r.choice((1, 2, 3, 4, 6, 8)) if len(filled) == 1 else 2, len(filled) > 1)
        if room > 600:
            doc = books.insert_blocks(books.insert(books.passage(self.t, room, r), self.planted(facts), r), blocks, r)
        else:
            r.shuffle(blocks)
            doc = books.insert('\n\n'.join(blocks), self.planted(facts), r)
        return doc, turns + self.quote_turns(doc, r.choice((0, 0, 0, 0, 1)))

    def dossier(self, n):
        """a document of many scenario documents, asked only for what names its own subject"""
        r, parts, turns, size = self.r, [], [], 0
        while size < n:
            f = Filled(r.choice(self.scenarios), self)
            parts.append(f.document)
            size += len(parts[-1]) + 2
            turns += self.scenario_turns(f, 2, True)
        facts, asked = self.fact_turns(r.choices((FACT, TWO, ABSENT), (6, 1, 2), k=r.choice((1, 2, 3))), set())
        doc = books.insert('\n\n'.join(parts), self.planted(facts), r)
        return doc, asked + r.sample(turns, min(len(turns), 4)) + self.quote_turns(doc, r.choice((0, 1, 2)))

    def book_document(self, n):
        r = self.r
        doc = books.passage(self.t, n, r)
        return doc, self.book_turns(doc, r.choice((1, 2, 3, 5)))[:5] + self.quote_turns(doc, r.choice((0, 1, 1, 2)))

    # ---- conversations ----

    def doc_chat(self, n):
        """-> messages about a document of about n characters, and the code of each"""
        r = self.r
        make = r.choices((self.fact_document, self.scenario_document, self.book_document, self.dossier), (44, 37, 11, 8))[0]
        doc, turns = make(max(n, 900) if make == self.book_document else n)
        if not turns:
            f = self.fact()
            turns = [Turn(f.ask(r), NOT_SAID, ABSENT, NOT_SAID)]
        r.shuffle(turns)
        turns = [t for top in turns[:8] for t in [top] + top.then]
        brief = r.random() < .2
        asked = [self.styled(t, brief) for t in turns]
        if len(asked) > 1 and r.random() < .04:
            asked.append((r.choice(THANKS), 'You are welcome.', CHAT))
        return self.layout(doc, asked, brief)

    def styled(self, turn, brief):
        """-> question, answer, code, in the form that is asked for"""
        r, q, a = self.r, turn.question, turn.answer
        if turn.short and turn.code != ABSENT:
            k = r.random()
            if brief:
                a = turn.short
            elif k < .05:
                q, a = q + r.choice(BRIEFLY), turn.short
            elif k < .08:
                q, a = r.choice(AS_JSON) + q, json.dumps({'answer': turn.short}, ensure_ascii=False)
        return q, a, turn.code

    def layout(self, doc, turns, brief=False, style=None):
        """-> messages and the code of each; `style` 0..1 picks where the document stands"""
        r = self.r
        k = r.random() if style is None else style
        hint = ' ' + r.choice(BRIEF) if brief else ''
        msgs = []
        q0 = turns[0][0]
        if k < .55:
            msgs.append({'role': 'system', 'content': r.choice(INSTRUCTIONS) + hint + '\n<document>\n' + doc + '\n</document>'})
        else:
            if brief or r.random() < .5:
                msgs.append({'role': 'system', 'content': r.choice(INSTRUCTIONS[:7] + SYSTEM) + hint})
            q0 = ('<document>\n' + doc + '\n</document>\n\n' + q0 if k < .84 else 'Document:\n' + doc + '\n\n' + q0 if k < .89
                  else doc + '\n\n' + q0 if k < .95 else q0 + '\n\n<document>\n' + doc + '\n</document>')
        codes = [REST] * len(msgs)
        for i, (q, a, code) in enumerate(turns):
            msgs += [{'role': 'user', 'content': q0 if i == 0 else q}, {'role': 'assistant', 'content': a}]
            codes += [REST, code]
        return msgs, codes

    def talk_chat(self):
        return talk_chat(self)


def heading_of(doc, short):
    """the heading of the section in which a text stands, where it stands only once"""
    if doc.count(short) != 1:
        return None
    before = [x for x in doc[:doc.find(short)].split('\n') if x.startswith('#')]
    return before[-1].lstrip('# ') if before else None
