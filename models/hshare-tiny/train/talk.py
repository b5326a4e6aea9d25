"""Requests without a document: greetings, who the model is, what it can do, and what it cannot answer."""
import os

from chat_format import CHAT, REST
from words import CITY, NOUN

SYSTEM = ['You are a helpful assistant.', 'You are a careful assistant.', 'You are hshare-tiny, a very small assistant.', 'Answer briefly.',
          'You are a concise assistant. Answer in one sentence.']
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'data', 'talk.txt')


def read():
    """-> pairs of (requests, answers); a paragraph of the file holds requests, then answers as lines that begin with >"""
    out = []
    for block in open(FILE, encoding='utf-8').read().strip().split('\n\n'):
        lines = block.split('\n')
        out.append(([x for x in lines if not x.startswith('> ')], [x[2:] for x in lines if x.startswith('> ')]))
    return out


GROUPS = read()
WITHOUT = 'I cannot answer that without a document.'


def small_talk(g):
    """-> a request and its answer"""
    r = g.r
    if r.random() < .72:
        asks, answers = r.choice(GROUPS)
        q, a = r.choice(asks), r.choice(answers)
        if '{' in q:
            w = ' '.join(g.word() for _ in range(r.randrange(1, 6)))
            n = r.choice(g.caps or NOUN)
            q, a = (x.format(w=w, n=n, c=r.choice(CITY)) for x in (q, a))
    else:
        return g.fact().ask(r, False), WITHOUT
    if r.random() < .2:
        q = q.lower()
    if r.random() < .15:
        q = q.rstrip('.!?')
    return q, a


def talk_chat(g):
    """-> messages and the code of each"""
    msgs, codes = [], []
    if g.r.random() < .4:
        msgs.append({'role': 'system', 'content': g.r.choice(SYSTEM)})
        codes.append(REST)
    for _ in range(g.r.choice((1, 1, 2, 3))):
        q, a = small_talk(g)
        msgs += [{'role': 'user', 'content': q}, {'role': 'assistant', 'content': a}]
        codes += [REST, CHAT]
    return msgs, codes
