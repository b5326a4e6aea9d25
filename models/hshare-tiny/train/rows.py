"""Rows of tokens with a code for each, made on the fly by worker processes."""
import math
import os

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from chat_format import LM, REST, segments
from conversations import Conversations

SHARES = {'doc': .83, 'tool': .135, 'talk': .035}       # of the tokens of conversations


class Rows(IterableDataset):
    """Batches of `count` rows of `length` + 1 tokens: book text (`lm` of the rows), or conversations one behind the other."""

    def __init__(self, work, text, lexicon, scenarios, length, count, seed, lm=.38):
        self.work, self.text, self.lexicon, self.scenarios = work, text, lexicon, scenarios
        self.length, self.count, self.seed, self.lm = length, count, seed, lm

    def start(self):
        """what a worker process opens for itself"""
        os.environ['TOKENIZERS_PARALLELISM'] = 'false'
        torch.set_num_threads(1)
        worker = get_worker_info()
        self.tok = Tokenizer.from_file(self.work + '/tokenizer.json')
        self.end = self.tok.token_to_id('<|endoftext|>')
        self.tokens = np.memmap(self.work + '/train.bin', dtype=np.uint16, mode='r')
        self.g = Conversations(self.text, self.seed * 1000 + (worker.id if worker else 0), self.lexicon, self.scenarios)
        self.have = dict.fromkeys(SHARES, 0)

    def book(self, n):
        p = self.g.r.randrange(0, len(self.tokens) - n)
        return self.tokens[p:p + n]

    def with_copies(self, row):
        """repeats a few passages of the row further on, so that copying over a distance is practised by every row"""
        r, row = self.g.r, row.copy()
        for _ in range(r.randint(1, 2 + len(row) // 2048)):
            n = int(math.exp(r.uniform(math.log(16), math.log(300))))
            a = r.randrange(0, len(row) - 2 * n - 1)
            b = r.randrange(a + n, len(row) - n)
            row[b:b + n] = row[a:a + n]
        return row

    def encode(self, parts):
        """-> ids and codes of segments"""
        ids, codes = [], []
        for e, (_, c) in zip(self.tok.encode_batch_fast([s for s, _ in parts], add_special_tokens=False), parts):
            ids += e.ids
            codes += [c] * len(e.ids)
        return ids, codes

    def conversation(self, room):
        """-> ids and codes of one conversation that fits, or None"""
        g, r = self.g, self.g.r
        total = sum(self.have.values()) + 1
        kind = max(SHARES, key=lambda k: SHARES[k] * total - self.have[k])
        if room < 260 and kind == 'doc':
            kind = 'tool' if room > 200 else 'talk'
        for attempt in range(3):
            tools = None
            if kind == 'doc':
                top = min(room - 180, 7600)
                n = r.uniform(.6, 1) * top if r.random() < .4 else math.exp(r.uniform(math.log(60), math.log(max(61, top))))
                msgs, codes = g.doc_chat(int(n * 3.9 * (1 - .25 * attempt)))
            elif kind == 'tool':
                msgs, codes, tools = g.tool_chat()
            else:
                msgs, codes = g.talk_chat()
            ids, codes = self.encode(segments(msgs, codes, tools))
            if len(ids) < room:
                self.have[kind] += len(ids)
                return ids + [self.end], codes + [REST]
        return None

    def row(self):
        """-> ids and codes of one row; what no conversation fits into is filled with book text"""
        n = self.length + 1
        if self.g.r.random() < self.lm:
            row = self.book(n)
            return self.with_copies(row) if self.g.r.random() < .4 else row, np.full(n, LM, dtype=np.uint8)
        ids, codes = [], []
        while len(ids) < n:
            room = n - len(ids)
            c = self.conversation(room) if room > 70 else None
            ids += c[0] if c else self.book(room).tolist()
            codes += c[1] if c else [LM] * room
        return np.array(ids[:n], dtype=np.uint16), np.array(codes[:n], dtype=np.uint8)

    def __iter__(self):
        self.start()
        while True:
            x = np.empty((self.count, self.length + 1), dtype=np.int32)
            c = np.empty((self.count, self.length + 1), dtype=np.uint8)
            for i in range(self.count):
                x[i], c[i] = self.row()
            yield torch.from_numpy(x), torch.from_numpy(c)


def loader(rows, workers):
    return iter(DataLoader(rows, batch_size=None, num_workers=workers, prefetch_factor=3, multiprocessing_context='fork'))
