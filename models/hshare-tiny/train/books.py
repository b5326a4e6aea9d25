"""Book prose as documents: passages, sentences put between its sentences, and verbatim quotes."""
import re

BOUNDARY = re.compile(r'[.!?]["”’\']? (?=["“‘]?[A-Z])|\n\n')
SENTENCE = re.compile(r'(?:(?<=\n\n)|(?<=[.!?] )|(?<=[.!?]["”] ))["“‘]?[A-Z][^\n.!?]{30,260}[.!?]["”’]?'
                      r'(?= ["“‘]?[A-Z]|\n\n|$)')
CONTINUE = ['Continue the passage that begins: "{p}"'] * 4 + [
    'Complete this sentence from the document: "{p}"', 'How does the sentence go on that begins with "{p}"?', 'Finish the quote: "{p}"',
    'Continue: "{p}"', 'What comes after "{p}" in the document?', 'Complete the quotation "{p} ..."',
    'The document says "{p}". How does it go on?']
FIND = ['Quote the sentence that contains "{p}".', 'Which sentence contains the words "{p}"?', 'Copy the sentence with the words "{p}".',
        'Give me the whole sentence in which "{p}" occurs.',
        'In which sentence do the words "{p}" stand?',
        'Find the sentence with "{p}" and quote it.']
LONGER = ['Quote the {n} sentences that begin with "{p}".', 'Copy {n} sentences from the document, starting with "{p}".']


def passage(text, n, r):
    """about n characters of consecutive book prose, cut at a sentence; never over the end of a book where the text is long"""
    for _ in range(20):
        p = r.randrange(0, max(1, len(text) - n - 3000))
        a = text.find('\n\n', p)
        if a < 0:
            continue
        a += 2
        s = text[a:a + n]
        if '\f' in s:
            if len(text) > 2_000_000:
                continue
            s = s.replace('\n\f\n', '\n\n').replace('\f', ' ')
        k = max(s.rfind('. '), s.rfind('.\n'), s.rfind('.” '), s.rfind('." ')) + 1
        if k > n * .5 or k > 200:
            s = s[:k] if s[k:k + 1] not in '”"' else s[:k + 1]
        return s.strip()
    return text[:n]


def insert(doc, items, r):
    """items: (depth 0..1, sentence); sentences go between two sentences of the document"""
    cuts = []
    for d, s in items:
        m = BOUNDARY.search(doc, int(d * len(doc)))
        cuts.append((len(doc), None, s) if m is None else (m.end(), m.group() == '\n\n', s))
    cuts.sort(key=lambda c: -c[0])
    for at, paragraph, s in cuts:
        if paragraph is None:
            doc += (' ' if r.random() < .5 else '\n\n') + s
        elif paragraph:
            doc = doc[:at] + s + (' ' if r.random() < .5 else '\n\n') + doc[at:]
        else:
            doc = doc[:at] + s + ' ' + doc[at:]
    return doc


def insert_blocks(doc, blocks, r):
    """puts whole documents between paragraphs"""
    for block in blocks:
        ends = [m.end() for m in re.finditer(r'\n\n', doc)]
        at = r.choice(ends + [0, len(doc)])
        doc = (doc[:at].rstrip('\n') + '\n\n' + block + '\n\n' + doc[at:].lstrip('\n')).strip('\n')
    return doc


def quote(doc, r, find=None):
    """-> a request for a verbatim quote and the quote, or None; `find`: always, or never, ask for a sentence by words in its middle"""
    for _ in range(12):
        m = SENTENCE.search(doc, r.randrange(0, max(1, len(doc) - 200)))
        if not m:
            continue
        s = m.group()
        w = s.split(' ')
        if not 9 <= len(w) <= 45:
            continue
        if find if find is not None else r.random() < .2:
            a = r.randrange(2, len(w) - 5)
            start = ' '.join(w[a:a + r.randrange(3, 6)]).strip('.,;:!?"“”‘’\'')
            if '"' not in start and doc.count(start) == 1:
                return r.choice(FIND).format(p=start), s
            continue
        k = r.randrange(4, 8)
        start, rest = ' '.join(w[:k]), ' '.join(w[k:])
        if len(w) - k < 4 or '"' in start or doc.count(start) != 1:
            continue
        if find is None and r.random() < .08:
            more = SENTENCE.match(doc, m.end() + 1)
            if more:
                return r.choice(LONGER).format(n='two', p=start), s + ' ' + more.group()
        return r.choice(CONTINUE).format(p=start), rest
    return None
