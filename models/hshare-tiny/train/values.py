"""Seeded values: names, codes, dates, places and the subjects that facts are about. Plain Python."""
import random
import re

from words import (
    ADJ, CITY, COLOR, DAY, EVENT, FIRST, FOOD, JOB, LANGS, LAST, MONTH, NOUN, ORG, PAPER, PLACE, PLURAL, SOFT, SPORT, SUFF, SYL, VEHICLE)


class Values:
    """Draws values from word lists and from the words of the books, so that nothing repeats often enough to be learnt by heart."""

    def __init__(self, text, seed=0, lexicon=None):
        self.t = text
        self.r = random.Random(seed)
        self.lex, self.caps = lexicon if lexicon else Values.lexicon(text)

    @staticmethod
    def lexicon(text, size=8_000_000):
        """-> words and names of the books, so that subjects and values are not limited to word lists"""
        low, cap = {}, {}
        for w in re.findall(r'(?<=[a-z,] )[A-Za-z]{4,11}(?=[ ,.;])', text[:size]):
            d = low if w.islower() else cap if w[1:].islower() else None
            if d is not None:
                d[w] = d.get(w, 0) + 1
        a = sorted(w for w, n in low.items() if 3 <= n <= 3000)
        b = sorted(w for w, n in cap.items() if 3 <= n and w.lower() not in low)
        return a, b

    # ---- small pieces ----

    def name(self):
        r = self.r
        s = ''.join(r.choice(SYL) for _ in range(r.choice((1, 2, 2, 3)))) + r.choice(SUFF)
        return s.capitalize()

    def word(self):
        return self.r.choice(self.lex)

    def digits(self, n):
        return str(self.r.randrange(1, 10)) + ''.join(self.r.choice('0123456789') for _ in range(n - 1))

    def letters(self, n):
        return ''.join(self.r.choice('ABCDEFGHJKLMNPQRSTUVWXYZ') for _ in range(n))

    def adj(self):
        return self.word() if self.r.random() < 0.2 else self.r.choice(ADJ)

    def noun(self):
        return self.word() if self.r.random() < 0.12 else self.r.choice(NOUN)

    def first(self):
        r = self.r
        return r.choice(self.caps) if r.random() < 0.08 and self.caps else self.name() if r.random() < 0.1 else r.choice(FIRST)

    def last(self):
        r = self.r
        return r.choice(self.caps) if r.random() < 0.15 and self.caps else self.name() if r.random() < 0.2 else r.choice(LAST)

    def city(self):
        r = self.r
        k = r.random()
        if k < 0.5:
            return r.choice(CITY)
        if k < 0.75:
            return self.name()
        before = r.choice(('Port', 'New', 'Saint', 'Fort', 'Lake', 'Mount', 'Upper', 'North', 'West'))
        return before + ' ' + (self.name() if r.random() < .6 else r.choice(LAST))

    def place(self):
        return self.r.choice(PLACE).replace('-', ' ')

    # ---- subjects: pairs of parts; `like` is a pair to share one of them with, for near misses ----

    def pair(self, first, second, like):
        a, b = first(), second()
        if like:
            if self.r.random() < 0.5:
                a = like[0]
                for _ in range(9):
                    if b != like[1]:
                        break
                    b = second()
            else:
                b = like[1]
                for _ in range(9):
                    if a != like[0]:
                        break
                    a = first()
        return a, b

    def subject(self, kind, like=None):
        """-> (parts, text)"""
        r = self.r
        if kind == 'person':
            p = self.pair(self.first, self.last, like)
            return p, p[0] + ' ' + p[1]
        second = {'thing': self.noun, 'event': lambda: r.choice(EVENT), 'vehicle': lambda: r.choice(VEHICLE),
                  'place': self.place, 'soft': lambda: r.choice(SOFT), 'paper': lambda: r.choice(PAPER),
                  'org': lambda: r.choice(ORG)}
        if kind == 'org':
            p = self.pair(lambda: self.adj().capitalize() if r.random() < .6 else self.name(), second['org'], like)
            return p, p[0] + ' ' + p[1]
        if kind == 'soft':
            p = self.pair(lambda: self.name() if r.random() < .7 else self.adj().capitalize(), second['soft'], like)
            return p, p[0] + ' ' + p[1]
        if kind == 'event':
            p = self.pair(lambda: self.adj() if r.random() < .5 else self.name() if r.random() < .6 else r.choice(CITY),
                          second['event'], like)
            return p, p[0] + ' ' + p[1]
        if kind == 'city':
            c = self.city()
            return (c, ''), c
        if kind == 'country':
            c = self.name()
            return (c, ''), c
        if kind == 'project':
            p = self.pair(lambda: 'Project', lambda: self.name() if r.random() < .5 else self.noun().capitalize(), like)
            if like and p[0] == like[0] == 'Project' and p[1] == like[1]:
                p = ('Project', self.name())
            return p, p[0] + ' ' + p[1]
        if kind == 'stock':
            p = self.pair(lambda: r.choice(PLURAL), lambda: self.adj() + ' ' + self.place(), like)
            return p, p[0] + ' in the ' + p[1]
        if kind == 'magic':
            p = self.pair(self.adj, self.noun, like)
            return p, (p[0] + '-' + p[1] if r.random() < .5 else p[0] + ' ' + p[1])
        p = self.pair(self.adj, second[kind], like)
        return p, p[0] + ' ' + p[1]

    def phrase(self):
        """where something is"""
        r = self.r
        k = r.random()
        if k < 0.4:
            return r.choice(('in', 'behind', 'under', 'near', 'above', 'beside')) + ' the ' + self.adj() + ' ' + self.place()
        if k < 0.75:
            thing = r.choice(('in', 'inside', 'under', 'behind', 'on top of')) + ' the ' + self.adj() + ' ' + self.noun()
            return thing + ' ' + r.choice(('in', 'of', 'near', 'behind')) + ' the ' + self.place()
        if k < 0.9:
            return r.choice(('in', 'at')) + ' ' + self.subject('person')[1] + "'s " + self.place()
        return 'in room ' + self.digits(r.choice((2, 3))) + ' of the ' + self.adj() + ' ' + self.place()

    def value(self, kind):
        """a value of a kind, as the families of facts name it"""
        r = self.r
        if kind == 'code':
            k = r.random()
            if k < .6:
                return self.digits(r.randrange(4, 8))
            if k < .85:
                return self.letters(r.randrange(1, 4)) + '-' + self.digits(r.randrange(3, 6))
            return self.letters(2) + self.digits(2) + self.letters(2) + self.digits(1)
        if kind == 'serial':
            start = self.letters(r.randrange(2, 4)) + r.choice(('-', '')) + self.digits(r.randrange(4, 8))
            return start + r.choice(('', '', '-' + self.letters(1)))
        if kind == 'num7':
            return self.digits(r.choice((5, 6, 7, 7, 7, 8)))
        if kind == 'person':
            return self.subject('person')[1]
        if kind == 'where':
            return self.phrase()
        if kind == 'date':
            return (f'{r.choice(MONTH)} {r.randrange(1, 29)}, {r.randrange(1700, 2035)}' if r.random() < .6
                    else f'{r.randrange(1, 29)} {r.choice(MONTH)} {r.randrange(1700, 2035)}')
        if kind == 'day':
            return (f'{r.choice(MONTH)} {r.randrange(1, 29)}' if r.random() < .6
                    else f'{r.choice(DAY)}, {r.randrange(1, 29)} {r.choice(MONTH)}')
        if kind == 'price':
            n = r.choice((r.randrange(2, 100), r.randrange(100, 1000), r.randrange(1000, 100000)))
            k = r.random()
            if k < .35:
                return f'${n:,}' if r.random() < .5 else f'${n}.{r.randrange(100):02d}'
            return f'{n} ' + r.choice(('pounds', 'dollars', 'euros', 'shillings', 'francs', 'crowns', 'guineas', 'rubles'))
        if kind == 'time':
            return (f'{r.randrange(1, 13)}:{r.randrange(60):02d} ' + r.choice(('in the morning', 'in the evening', 'AM', 'PM'))
                    if r.random() < .6 else f'{r.randrange(24):02d}:{r.randrange(60):02d}')
        if kind == 'count':
            return str(r.choice((r.randrange(2, 30), r.randrange(30, 1000), r.randrange(1000, 20000))))
        if kind == 'color':
            return r.choice(COLOR) if r.random() < .8 else r.choice(('dark', 'pale', 'bright')) + ' ' + r.choice(COLOR)
        if kind == 'job':
            return r.choice(JOB) if r.random() < .8 else self.adj() + ' ' + r.choice(JOB)
        if kind == 'city':
            return self.city()
        if kind == 'word':
            return self.word() if r.random() < .7 else self.name()
        if kind == 'pass':
            return r.choice((self.word, self.name))() + r.choice(('', '-' + self.word(), self.digits(2)))
        if kind == 'email':
            u = r.choice((r.choice(FIRST).lower() + '.' + r.choice(LAST).lower(), self.word() + self.digits(2), self.name().lower()))
            return u + '@' + r.choice((self.word(), self.name().lower())) + r.choice(('.com', '.org', '.net', '.io'))
        if kind == 'phone':
            return r.choice((f'{self.digits(3)}-{self.digits(4)}', f'{self.digits(3)} {self.digits(3)} {self.digits(4)}',
                             f'+{self.digits(2)} {self.digits(3)} {self.digits(5)}', 'extension ' + self.digits(4)))
        if kind == 'version':
            return f'{r.randrange(10)}.{r.randrange(30)}' + (f'.{r.randrange(50)}' if r.random() < .7 else '')
        if kind == 'port':
            return str(r.randrange(80, 65000))
        if kind == 'weight':
            return f'{r.randrange(2, 900)} ' + r.choice(('pounds', 'kilograms', 'grams', 'tons', 'ounces'))
        if kind == 'name':
            return self.name() if r.random() < .4 else r.choice(FIRST) if r.random() < .5 else self.adj().capitalize()
        if kind == 'thing':
            return self.subject('thing')[1]
        if kind == 'activity':
            verb = r.choice(('walk to', 'sit in', 'visit', 'sketch', 'photograph', 'rest near', 'run around', 'sing in', 'climb to'))
            return verb + ' the ' + self.adj() + ' ' + self.place() + r.choice((
                f' on a {self.adj()} {r.choice(DAY)}', f' and eat {r.choice(FOOD)}', f' with a {self.noun()}', ''))
        if kind == 'path':
            folders = '/'.join(r.choice((self.word, self.name))().lower() for _ in range(r.randrange(1, 3)))
            return '/' + folders + '/' + self.word() + r.choice(('.txt', '.csv', '.json', '.pdf', '.log', '.md'))
        if kind == 'room':
            return r.choice((f'room {self.digits(3)}', f'the {self.adj()} {self.place()}', f'hall {r.choice("ABCDEFGH")}'))
        if kind == 'year':
            return str(r.randrange(1500, 2030))
        if kind == 'temp':
            return f'{r.randrange(2, 200)} degrees'
        if kind == 'food':
            return r.choice(FOOD)
        if kind == 'sport':
            return r.choice(SPORT)
        if kind == 'lang':
            return r.choice(LANGS)
        if kind == 'book':
            return 'The ' + self.adj().capitalize() + ' ' + self.noun().capitalize()
        if kind == 'metal':
            return r.choice('''oak iron silver brass marble copper glass ivory leather bronze tin steel clay velvet bamboo granite pewter
                walnut'''.split())
        raise KeyError(kind)
