"""Joins the books and turns them into tokens.   usage: prepare.py WORK TOKENIZER BOOKS.txt.xz...

A line with a form feed stands between two books (clean_corpus.py).
"""
import lzma
import os
import shutil
import sys
import time
from multiprocessing import get_context

os.environ['TOKENIZERS_PARALLELISM'] = 'false'
import numpy as np
from tokenizers import Tokenizer


def read(path):
    return lzma.open(path).read()


def encode(book):
    """the tokens of a book; `tok` and `end` come from the process that forks"""
    return np.array(tok.encode(book, add_special_tokens=False).ids + [end], dtype=np.uint16)


if __name__ == '__main__':
    work, tokenizer, *files = sys.argv[1:]
    t0 = time.time()
    os.makedirs(work, exist_ok=True)
    shutil.copy(tokenizer, work + '/tokenizer.json')
    tok = Tokenizer.from_file(work + '/tokenizer.json')
    end = tok.token_to_id('<|endoftext|>')
    fork = get_context('fork')
    with fork.Pool(len(files)) as p:
        raw = b'\n\f\n'.join(p.map(read, files))
    with open(work + '/train.txt', 'wb') as f:
        f.write(raw)
    text = raw.decode('utf-8')
    print('read', len(text), 'characters', round(time.time() - t0, 1), 's', flush=True)
    with fork.Pool(os.cpu_count()) as p:
        tokens = np.concatenate(list(p.imap(encode, text.split('\n\f\n'), chunksize=2)))
    tokens.tofile(work + '/train.bin')
    print(len(tokens), 'tokens,', round(len(text) / len(tokens), 3), 'characters each', round(time.time() - t0, 1), 's', flush=True)
