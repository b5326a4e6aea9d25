"""The chat format: the template of the model, and conversations cut into segments that a trainer can weigh."""
import json

# Codes of the parts of a row, which are the tasks that losses are told apart by.
PAD, LM, REST, FACT, TWO, ABSENT, QUOTE, TOOL, CHAT, WORDED, BOOK = range(11)
NAMES = ['pad', 'lm', 'rest', 'fact', 'two', 'absent', 'quote', 'tool', 'chat', 'worded', 'book']

NOT_SAID = 'The document does not say.'

TOOLS_HEAD = 'You can call the functions below when they help. Each line describes one function as JSON.\n<tools>'
TOOLS_TAIL = (
    '\n</tools>\n\nTo call a function, answer with one such block for each call:\n'
    '<tool_call>\n{"name": "the function", "arguments": {"parameter": "value"}}\n</tool_call>')
TEMPLATE = (
    "{%- if tools %}{{- '<|im_start|>system\\n' }}"
    "{%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}"
    "{{- " + json.dumps(TOOLS_HEAD) + " }}"
    "{%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}"
    "{{- '" + TOOLS_TAIL.replace('\n', '\\n') + "<|im_end|>\\n' }}"
    "{%- elif messages[0].role == 'system' %}{{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}{%- endif %}"
    "{%- for message in messages %}"
    "{%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- elif message.role == 'assistant' %}{{- '<|im_start|>assistant' }}"
    "{%- if message.content %}{{- '\\n' + message.content }}{%- endif %}"
    "{%- if message.tool_calls %}{%- for tool_call in message.tool_calls %}"
    "{%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}"
    "{{- '\\n<tool_call>\\n{\"name\": \"' + tool_call.name + '\", \"arguments\": ' }}"
    "{%- if tool_call.arguments is string %}{{- tool_call.arguments }}{%- else %}{{- tool_call.arguments | tojson }}{%- endif %}"
    "{{- '}\\n</tool_call>' }}{%- endfor %}{%- endif %}"
    "{{- '<|im_end|>\\n' }}"
    "{%- elif message.role == 'tool' %}"
    "{%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}{{- '<|im_start|>user' }}{%- endif %}"
    "{{- '\\n<tool_response>\\n' + message.content + '\\n</tool_response>' }}"
    "{%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{- '<|im_end|>\\n' }}{%- endif %}"
    "{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}")


def as_json(x):
    return json.dumps(x, ensure_ascii=False)


def segments(msgs, codes=None, tools=None):
    """-> list of (text, code); joined, the texts are what the chat template renders"""
    out = []
    system = msgs[0]['content'] if msgs[0]['role'] == 'system' else None
    if tools:
        s = '<|im_start|>system\n' + (system + '\n\n' if system is not None else '') + TOOLS_HEAD
        s += ''.join('\n' + as_json(t) for t in tools) + TOOLS_TAIL + '<|im_end|>\n'
        out.append((s, REST))
    elif system is not None:
        out.append(('<|im_start|>system\n' + system + '<|im_end|>\n', REST))
    for i, m in enumerate(msgs):
        role = m['role']
        if role == 'user' or (role == 'system' and i):
            out.append(('<|im_start|>' + role + '\n' + m['content'] + '<|im_end|>\n', REST))
        elif role == 'assistant':
            body = m.get('content') or ''
            for c in m.get('tool_calls') or []:
                c = c.get('function', c)
                arguments = c['arguments'] if isinstance(c['arguments'], str) else as_json(c['arguments'])
                body += ('\n' if body else '') + '<tool_call>\n{"name": "' + c['name'] + '", "arguments": ' + arguments + '}\n</tool_call>'
            out.append(('<|im_start|>assistant' + ('\n' if body else ''), REST))
            out.append((body + '<|im_end|>', codes[i] if codes else REST))
            out.append(('\n', REST))
        elif role == 'tool':
            s = ''
            if i == 0 or msgs[i - 1]['role'] != 'tool':
                s = '<|im_start|>user'
            s += '\n<tool_response>\n' + m['content'] + '\n</tool_response>'
            if i + 1 == len(msgs) or msgs[i + 1]['role'] != 'tool':
                s += '<|im_end|>\n'
            out.append((s, REST))
    return out


def render(msgs, tools=None, add_generation_prompt=False):
    return ''.join(s for s, _ in segments(msgs, None, tools)) + ('<|im_start|>assistant\n' if add_generation_prompt else '')
