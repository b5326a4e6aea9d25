"""Values for the slots of a scenario: `name: kind arguments` in its head."""
from words import ANIMAL, DAY, FIRST, FOOD, JOB, LANGS, MONTH, ORG, PLACE, SPORT

FEMALE = set('''Ada Agnes Alice Amara Anna Asha Astrid Beatrice Bertha Bridget Camille Carla Carmen Clara Cora Dalia Daphne Delia Diana
Dora Dorothy Edith Elena Eliza Ella Elsa Emma Enid Esther Eva Evelyn Farah Fiona Flora Frances Freya Gita Gloria Grace Greta Hana Hannah
Helen Hilda Ida Imani Inga Ingrid Iris Irma Ivy Jane Joan Joyce Judith Julia June Karen Klara Laura Lena Lila Linda Lois Lucia Lydia Mabel
Magda Margaret Maria Martha Mary Maud Maya Mei Mila Mina Miriam Mona Myra Nadia Nell Nina Nora Olga Paula Pearl Petra Phoebe Priya Rachel
Rhoda Rita Rosa Rosalind Ruth Samira Sara Selma Sigrid Sofia Stella Sybil Tara Tessa Thea Una Ursula Vera Viola Wanda Willa Yara Yvonne
Zara Zelda Zoe'''.split())
ONES = '''zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen'''.split()
TENS = 'zero ten twenty thirty forty fifty sixty seventy eighty ninety'.split()
STREETS = 'Street Street Road Lane Avenue Square Way Close Row Terrace'.split()
COMPANY = 'Ltd|& Sons|Brothers|Systems|Foods|Logistics|Energy|Media|Works|Partners|Group|Labs|Motors|Textiles|Insurance'.split('|')
COUNTRIES = '''Portugal Norway Peru Kenya Japan Chile Poland Iceland Vietnam Canada Greece Morocco Finland Brazil Ireland Denmark Nepal
Austria Uruguay Ghana Estonia Croatia Jordan Bolivia'''.split()
PETS = 'Biscuit Pepper Tinker Smudge Bella Rufus Ginger Toby Luna Moss Domino Patch Olive Badger Ziggy Hazel Monty Pickle'.split()
PRODUCT = 'Pro|Mini|Plus|One|X2|300|Air|Go|Max|Home|Desk|Sync|Flow|Guard|Base'.split('|')


def in_words(n):
    """7 -> seven, 42 -> forty-two, 100 -> a hundred"""
    if n < 20:
        return ONES[n]
    if n == 100:
        return 'a hundred'
    return TENS[n // 10] + ('-' + ONES[n % 10] if n % 10 else '')


def person(g):
    """-> the forms of a person's name and pronouns"""
    first, last = g.first(), g.last()
    female = first in FEMALE if first in FEMALE or first in FIRST else g.r.random() < .5
    he, him, his, mr = ('she', 'her', 'her', 'Ms.') if female else ('he', 'him', 'his', 'Mr.')
    return {'': first + ' ' + last, 'first': first, 'last': last, 'he': he, 'him': him, 'his': his, 'He': he.capitalize(),
            'His': his.capitalize(), 'Him': him.capitalize(), 'mr': mr + ' ' + last}


def clock(r):
    h, m = r.randrange(24), r.choice((0, 0, 0, 15, 30, 30, 45, r.randrange(60)))
    k = r.random()
    if k < .4:
        return f'{h:02d}:{m:02d}'
    return f'{(h - 1) % 12 + 1}' + (f':{m:02d}' if m else '') + (' ' if k < .8 else '') + ('am' if h < 12 else 'pm')


def money(g, kind):
    r = g.r
    n = r.choice((r.randrange(2, 100), r.randrange(2, 100), r.randrange(100, 1000), r.randrange(1000, 90000)))
    if kind == 'money':
        kind = r.choice(('pounds', 'dollars', 'euros', 'euros', 'francs', 'crowns'))
    sign = {'pounds': '£', 'dollars': '$', 'euros': '€'}.get(kind)
    k = r.random()
    if sign is None or k < .5:
        return f'{n} {kind}'
    if k < .7:
        return f'{sign}{n:,}'
    return f'{sign}{n}.{r.choice((50, 20, 99, 90, r.randrange(10, 100)))}' if n < 1000 else f'{sign}{n:,}'


def date(r):
    d, m, y = r.randrange(1, 29), r.randrange(12), r.randrange(1890, 2036) if r.random() < .3 else r.randrange(2015, 2030)
    k = r.random()
    if k < .45:
        return f'{d} {MONTH[m]} {y}'
    return f'{MONTH[m]} {d}, {y}' if k < .9 else f'{y}-{m + 1:02d}-{d:02d}'


def duration(r):
    return r.choice((
        lambda: f'{r.choice((10, 15, 20, 25, 40, 45, 50, 90))} minutes', lambda: f'{r.randrange(2, 49)} hours',
        lambda: f'{r.randrange(2, 31)} days', lambda: f'{in_words(r.randrange(2, 13))} weeks',
        lambda: f'{in_words(r.randrange(2, 19))} months', lambda: f'{in_words(r.randrange(2, 12))} days',
        lambda: f'{r.randrange(2, 31)} years', lambda: 'half an hour', lambda: f'{in_words(r.randrange(2, 12))} hours'))()


def room(g):
    r = g.r
    return r.choice((f'room {g.digits(r.choice((1, 2, 3)))}', f'hall {r.choice("ABCDEFGH")}', f'the {g.adj()} room',
                     f'room {r.choice("ABCDEFGH")}{r.randrange(1, 20)}'))


def street(g):
    r = g.r
    number = r.randrange(1, 180)
    name = r.choice((g.last, lambda: g.adj().capitalize(), lambda: r.choice(PLACE).split('-')[0].capitalize()))()
    return f'{number} {name} {r.choice(STREETS)}'


def draw(spec, g):
    """-> the value of one slot: text, or a dictionary of forms whose entry '' is the plain one"""
    r = g.r
    if '|' in spec:
        return r.choice([s.strip() for s in spec.split('|')])
    kind, *a = spec.split()
    if kind in ('number', 'year'):
        return str(r.randint(int(a[0]), int(a[1])))
    if kind == 'count':
        return f'{r.randint(int(a[0]), int(a[1]))} ' + ' '.join(a[2:])
    if kind == 'words':
        return in_words(r.randint(int(a[0]), int(a[1])))
    if kind == 'decimal':
        return f'{r.uniform(float(a[0]), float(a[1])):.1f}'
    if kind == 'digits':
        return g.digits(int(a[0]))
    if kind in ('money', 'pounds', 'dollars', 'euros'):
        return money(g, kind)
    return KINDS[kind](g, r)


def title(g):
    r = g.r
    return r.choice((lambda: 'The ' + g.adj().capitalize() + ' ' + g.noun().capitalize(),
                     lambda: g.noun().capitalize() + ' and ' + g.noun().capitalize(),
                     lambda: 'A ' + r.choice(PLACE).capitalize() + ' in ' + g.city(),
                     lambda: r.choice(MONTH) + ' ' + g.noun().capitalize()))()


KINDS = {
    'person': lambda g, r: person(g),
    'firstname': lambda g, r: r.choice(FIRST) if r.random() < .85 else g.name(),
    'surname': lambda g, r: g.last(),
    'city': lambda g, r: g.city(),
    'country': lambda g, r: g.name() if r.random() < .4 else r.choice(COUNTRIES),
    'street': lambda g, r: street(g),
    'company': lambda g, r: (g.last() if r.random() < .5 else g.name()) + ' ' + r.choice(COMPANY),
    'org': lambda g, r: (g.adj().capitalize() if r.random() < .5 else g.name()) + ' ' + r.choice(ORG),
    'product': lambda g, r: g.name() + ('' if r.random() < .4 else ' ' + r.choice(PRODUCT)),
    'project': lambda g, r: 'Project ' + (g.name() if r.random() < .5 else g.noun().capitalize()),
    'percent': lambda g, r: ((str(r.randrange(1, 100)) if r.random() < .7 else f'{r.uniform(1, 99):.1f}')
                             + r.choice(('%', '%', ' percent', ' per cent'))),
    'date': lambda g, r: date(r),
    'day': lambda g, r: f'{r.randrange(1, 29)} {r.choice(MONTH)}' if r.random() < .6 else f'{r.choice(MONTH)} {r.randrange(1, 29)}',
    'weekday': lambda g, r: r.choice(DAY),
    'month': lambda g, r: r.choice(MONTH),
    'clock': lambda g, r: clock(r),
    'duration': lambda g, r: duration(r),
    'distance': lambda g, r: f'{r.randrange(2, 900)} {r.choice(("kilometres", "miles", "metres", "feet", "km", "yards"))}',
    'weight': lambda g, r: f'{r.randrange(2, 900)} {r.choice(("kilograms", "pounds", "grams", "tons", "kg", "ounces"))}',
    'temperature': lambda g, r: f'{r.randrange(2, 240)} {r.choice(("degrees", "°C", "degrees Celsius", "degrees Fahrenheit"))}',
    'size': lambda g, r: f'{r.choice((2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128, 250, 500))} {r.choice(("GB", "MB", "GB", "TB"))}',
    'phone': lambda g, r: g.value('phone').replace('extension ', ''),
    'email': lambda g, r: g.value('email'),
    'url': lambda g, r: r.choice(('https://', 'www.', '')) + g.value('email').split('@')[1] + ('/' + g.word() if r.random() < .5 else ''),
    'code': lambda g, r: g.letters(r.randrange(1, 4)) + r.choice(('-', '-', '', ' ')) + g.digits(r.randrange(2, 6)),
    'version': lambda g, r: g.value('version'),
    'port': lambda g, r: g.value('port'),
    'path': lambda g, r: (g.value('path') if r.random() < .5
                          else '/' + r.choice(('opt', 'etc', 'var/log', 'srv', 'home', 'usr/share')) + '/' + g.word()),
    'filename': lambda g, r: g.word() + r.choice(('.toml', '.json', '.yaml', '.txt', '.csv', '.pdf', '.log', '.conf', '.ini', '.md')),
    'room': lambda g, r: room(g),
    'color': lambda g, r: g.value('color'),
    'job': lambda g, r: r.choice(JOB),
    'animal': lambda g, r: r.choice(ANIMAL),
    'food': lambda g, r: r.choice(FOOD),
    'thing': lambda g, r: g.adj() + ' ' + g.noun(),
    'language': lambda g, r: r.choice(LANGS),
    'sport': lambda g, r: r.choice(SPORT),
    'word': lambda g, r: g.word(),
    'title': lambda g, r: title(g),
    'pet': lambda g, r: r.choice(PETS) if r.random() < .6 else g.name(),
    'season': lambda g, r: r.choice(('spring', 'summer', 'autumn', 'winter')),
    'material': lambda g, r: g.value('metal'),
}
