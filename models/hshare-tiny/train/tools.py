"""Conversations with tools: functions worded by hand (data/tools) and made up, calls, results fed back, requests that no tool fits."""
import glob
import json
import os
from collections import namedtuple

import slots
from chat_format import CHAT, REST, TOOL
from facts import Facts, capital
from talk import SYSTEM, small_talk
from words import OBJECTS, PARAMETERS, RESULTS, VERBS

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'data', 'tools')
Tool = namedtuple('Tool', 'name description parameters results requests')      # parameters: (name, type, kind of value, description)
Made = namedtuple('Made', 'schema arguments request result')                   # one use of a tool, with its values


def read(path):
    """-> the tools of a file; a parameter is `name: type kind | description` and a result `name: kind`, a list of own values `[a | b]`"""
    out = []
    for part in open(path, encoding='utf-8').read().split('=== ')[1:]:
        head, _, rest = part.partition('--- results\n')
        results, _, requests = rest.partition('--- requests\n')
        name, description, *lines = [x.strip() for x in head.strip().split('\n')]
        parameters = []
        for line in lines:
            p, _, spec = line.partition(': ')
            of, _, spec = spec.partition(' ')
            kind, _, text = spec[1:].partition('] | ') if spec.startswith('[') else spec.partition(' | ')
            parameters.append((p, of, kind, text))
        fields = [(f, k.strip('[]')) for f, _, k in (x.strip().partition(': ') for x in results.strip().split('\n') if x.strip())]
        out.append(Tool(name, description, parameters, fields, [x.strip() for x in requests.strip().split('\n') if x.strip()]))
    return out


TOOLS = [t for p in sorted(glob.glob(os.path.join(FOLDER, '*.txt'))) for t in read(p)]


def schema(name, description, parameters):
    properties = {p: {'type': t, 'description': d} for p, t, _, d in parameters}
    return {'type': 'function', 'function': {'name': name, 'description': description,
            'parameters': {'type': 'object', 'properties': properties, 'required': [p[0] for p in parameters]}}}


def function(made):
    return made.schema['function']['name']


def listed(xs):
    return xs[0] if len(xs) == 1 else ', '.join(xs[:-1]) + ' and ' + xs[-1]


class Tools(Facts):
    def phrase_of(self, least, most):
        """a few words of a request: words of the books between words of the lists"""
        r = self.r
        return ' '.join(r.choice((self.word, self.word, self.adj, self.noun, self.last if r.random() < .3 else self.word))()
                        for _ in range(r.randint(least, most)))

    def tool_value(self, kind):
        """a value of a kind: of those below, of slots.py or of values.py"""
        r = self.r
        if '|' in kind:
            v = slots.draw(kind, self)
            return int(v) if v.isdigit() else v
        if kind == 'int':
            return r.choice((r.randrange(1, 13), r.randrange(1, 100), r.randrange(100, 5000)))
        if kind == 'bool':
            return r.random() < .5
        if kind in ('text', 'sentence'):
            return self.phrase_of(1, 5) if kind == 'text' else capital(self.phrase_of(3, 10)) + r.choice(('.', '.', '', '!'))
        own = {'currency': lambda: r.choice('USD EUR GBP JPY CHF CAD AUD SEK NOK INR CNY BRL'.split()),
               'symbol': lambda: self.letters(r.randrange(2, 5)),
               'unit': lambda: r.choice(('celsius', 'fahrenheit')),
               'id': lambda: r.choice((self.letters(2) + '-' + self.digits(4), self.digits(6), self.letters(1) + self.digits(5))),
               'file': lambda: self.word() + r.choice(('.txt', '.csv', '.json', '.pdf', '.md', '.log')),
               'iso': lambda: f'{r.randrange(2000, 2035)}-{r.randrange(1, 13):02d}-{r.randrange(1, 29):02d}',
               'clock': lambda: f'{r.randrange(24):02d}:{r.randrange(60):02d}',
               'op': lambda: r.choice(('add', 'subtract', 'multiply', 'divide')),
               'expr': lambda: f'{r.randrange(1, 1000)} {r.choice("+-*/")} {r.randrange(1, 1000)}'}
        if kind in own:
            return own[kind]()
        first = kind.split()[0]
        if first in slots.KINDS or first in ('number', 'year', 'count', 'words', 'decimal', 'digits', 'money', 'pounds', 'dollars',
                                             'euros'):
            v = slots.draw(kind, self)
            v = v[''] if isinstance(v, dict) else v
            return int(v) if first in ('number', 'year') else v
        return self.value(kind)

    def hand_tool(self):
        """a function worded by hand"""
        t = self.r.choice(TOOLS)
        values = {p: self.tool_value(k) for p, _, k, _ in t.parameters}
        result = {o: self.tool_value(k) for o, k in t.results}
        return Made(schema(*t[:3]), values, self.r.choice(t.requests).format(**values), result)

    def free_tool(self, verb=None, noun=None):
        """a made-up function"""
        r = self.r
        verb, noun = verb or r.choice(VERBS), noun or (r.choice(OBJECTS) if r.random() < .7 else self.noun())
        style = r.random()
        name = verb + '_' + noun if style < .8 else verb + noun.capitalize() if style < .92 else verb + '-' + noun
        pattern = r.choice(('The {p} of the {n}.', 'The {p}.', '{P} to use.', '{P} for this {n}.'))
        parameters = []
        for p, kind, t in r.sample(PARAMETERS, r.choice((1, 1, 2, 2, 3, 4))):
            plain = p.replace('_', ' ')
            parameters.append((p, t, kind, pattern.format(p=plain, P=capital(plain), n=noun)))
        description = r.choice((capital(verb) + ' a ' + noun + '.', capital(verb) + ' the ' + noun + ' and return the result.',
                                'Use this to ' + verb + ' a ' + noun + '.'))
        values = {p: self.tool_value(k) for p, _, k, _ in parameters}
        result = {o: self.tool_value(k) for o, k in r.sample(RESULTS, r.choice((1, 1, 2, 2, 3)))}
        return Made(schema(name, description, parameters), values, self.request(verb, noun, parameters, values), result)

    def request(self, verb, noun, parameters, values):
        """a request that names all arguments of a made-up function"""
        r = self.r
        order = list(parameters)
        r.shuffle(order)
        quoted = r.random() < .15

        def label(p):
            return p[0].replace('_', ' ')

        def show(p):
            v = str(values[p[0]])
            return f'"{v}"' if quoted and p[1] == 'string' else v.lower() if p[1] == 'boolean' else v

        what = verb + ' ' + r.choice(('the', 'a')) + ' ' + noun
        k = r.random()
        if k < .3:
            return capital(what) + ' with ' + listed([label(p) + ' ' + show(p) for p in order]) + '.'
        if k < .5:
            return 'Please ' + what + ': ' + ', '.join(label(p) + ' = ' + show(p) for p in order) + '.'
        if k < .7:
            told = ' '.join('The ' + label(p) + ' is ' + show(p) + '.' for p in order)
            return r.choice(('I need you to ', 'I want to ', 'Could you ')) + what + '. ' + told
        if k < .85:
            told = listed(['the ' + label(p) + ' is ' + show(p) for p in order])
            return r.choice(('Can you ', 'Please ', 'Could you please ')) + what + ' where ' + told + '?'
        told = ', '.join(label(p) + ': ' + show(p) for p in order)
        return r.choice(('We should ', 'Next, ', 'Would you ', 'Time to ')) + what + ' (' + told + ')' + r.choice(('.', '', ' please.'))

    def one_tool(self):
        return self.hand_tool() if self.r.random() < .55 else self.free_tool()

    def result(self, values):
        """-> the text of a tool's response, and the answer that restates it"""
        r = self.r
        k = r.random()
        if k < .07:
            e = r.choice(('not found', 'timeout', 'permission denied', 'invalid ' + self.word(), 'no such ' + self.noun(),
                          'service unavailable'))
            return json.dumps({'error': e}), 'The call failed: ' + e + '.'
        if k < .18:
            s = self.fact().say(r)
            return s, s
        if k < .25:
            v = next(iter(values.values()))
            v = v if isinstance(v, str) else json.dumps(v)
            return v, 'The result is ' + v + '.'
        parts = [o.replace('_', ' ') + ' is ' + (v if isinstance(v, str) else json.dumps(v)) for o, v in values.items()]
        return json.dumps(values, ensure_ascii=False), 'The result: ' + listed(parts) + '.'

    def toolbox(self, n):
        """-> n uses of tools of different names, some alike, and the names"""
        r = self.r
        made, names = [], set()
        while len(made) < n:
            if not made or r.random() < .7:
                t = self.one_tool()
            else:
                verb, _, noun = function(made[0]).partition('_')
                t = self.free_tool(verb, None) if r.random() < .5 else self.free_tool(None, noun or None)
            if function(t) not in names:
                names.add(function(t))
                made.append(t)
        return made, names

    def calls(self, made, first):
        """-> uses of one tool or two, and the request"""
        r, n = self.r, len(made)
        uses, request = [made[first]], made[first].request
        if n > 1 and r.random() < .25:
            second = made[(first + 1) % n]
            uses.append(second)
            if r.random() < .5:
                joint = (' and ', ', then ', '. Also, ', '. After that, ') if request[-1] not in '?!' else (' And ', ' Also, ', ' Then ')
                request = request.rstrip('.') + r.choice(joint) + second.request[0].lower() + second.request[1:]
            else:
                request += ' ' + second.request
        return uses, request

    def unfit(self, names):
        """a request that none of the tools fits, or None"""
        for _ in range(9):
            t = self.one_tool()
            if not any(function(t).split('_')[-1] in x or function(t).split('_')[0] in x for x in names):
                return t.request
        return None

    def tool_chat(self):
        """-> messages, the code of each, tools"""
        r = self.r
        made, names = self.toolbox(r.choice((1, 1, 2, 2, 3, 4, 5)))
        tools = [t.schema for t in made]
        r.shuffle(tools)
        msgs, codes = [], []

        def add(role, content, code=REST, **more):
            msgs.append({'role': role, 'content': content, **more})
            codes.append(code)

        if r.random() < .4:
            add('system', r.choice(SYSTEM + ['You can use tools.', 'Use a tool when it helps.']))
        for turn in range(r.choice((1, 1, 1, 2, 3))):
            k = r.random()
            other = self.unfit(names) if .1 <= k < .2 else None
            if k < .1:
                q, a = small_talk(self)
                add('user', q)
                add('assistant', a, CHAT)
            elif other:
                add('user', other)
                add('assistant', 'None of the tools can do that.', TOOL)
            else:
                uses, request = self.calls(made, r.randrange(len(made)))
                add('user', request)
                calls = [{'type': 'function', 'function': {'name': function(u), 'arguments': u.arguments}} for u in uses]
                add('assistant', '', TOOL, tool_calls=calls)
                if turn == 0 and r.random() < .15:
                    break
                answers = []
                for u in uses:
                    content, a = self.result(u.result)
                    add('tool', content)
                    answers.append(a)
                add('assistant', ' '.join(answers), TOOL)
                if r.random() < .7:
                    break
        return msgs, codes, tools
