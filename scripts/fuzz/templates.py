"""Generates chat templates and says which attributes Jinja reaches in them.

    python scripts/fuzz/templates.py --count 200000 --seed 1 > cases.jsonl

Needs jinja2. Each line is {"text": …, "reached": […]}: what the template reads of names that begin with
an underscore or lead to frames and code, in an environment that takes note of each attribute. A name,
harmless or not, is written in one of many ways, kept in one of many places and used in one of many
ways: what matters is that the same ways hide nothing and accuse nothing. A template only reads.
"""

import argparse
import json
import random
import sys

from jinja2 import TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

INTERNAL = ["__class__", "__init__", "__globals__", "__dict__", "__mro__", "__doc__", "mro", "gi_frame", "_private", "__subclasses__"]
HARMLESS = ["role", "content", "upper", "items", "name", "tool_calls", "keys", "title", "first_name", "class_name", "import_path"]
LISTED = {"mro", "gi_frame", "gi_code", "gi_yieldfrom", "cr_frame", "cr_code", "cr_await", "ag_frame", "ag_code", "tb_frame", "tb_next",
          "f_back", "f_globals", "f_locals", "f_builtins", "f_code", "func_globals", "func_code", "func_closure", "im_func", "im_self",
          "im_class", "co_code"}


class Recorder(SandboxedEnvironment):
    """Allows every access, and records it."""

    def __init__(self, **options):
        super().__init__(**options)
        self.reached = []
        self.filters["attr"] = self.read
        self.filters["tojson"] = lambda value, **options: json.dumps(value, default=str)

    def note(self, name):
        if isinstance(name, str) and ((name.startswith("_") and len(name) > 1) or name in LISTED):
            self.reached.append(name)

    def read(self, value, name):
        return self.getattr_of(value, str(name))

    def getattr_of(self, value, name):
        self.note(name)
        try:
            return self.wrapped(getattr(value, name))
        except Exception:
            return self.undefined(obj=value, name=name)

    def wrapped(self, value):
        """`str.format` with a formatter that asks this environment for attributes."""
        own = getattr(value, "__self__", None)
        if not isinstance(own, str) or getattr(value, "__name__", "") not in ("format", "format_map"):
            return value
        wrap = getattr(self, "wrap_str_format")(value)
        # The sandbox's formatter does not number `{.name}` by itself.
        return self.wrap_str_format(getattr(own.replace("{.", "{0."), value.__name__)) if "{." in own else wrap

    def getattr(self, obj, attribute):
        self.note(attribute)
        try:
            return self.wrapped(getattr(obj, attribute))
        except AttributeError:
            try:
                return obj[attribute]
            except Exception:
                return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj, argument):
        try:
            return obj[argument]
        except (AttributeError, TypeError, LookupError):
            if isinstance(argument, str):
                return self.getattr_of(obj, str(argument))
            return self.undefined(obj=obj, name=argument)

    def is_safe_attribute(self, obj, attr, value):
        return True

    def is_safe_callable(self, obj):
        return True


def quoted(text, dice):
    """A string literal, with escapes now and then."""
    out = ""
    for letter in text:
        kind = dice.random()
        if letter in "\\\n'\"":
            out += {"\\": "\\\\", "\n": "\\n", "'": "\\'", '"': '\\"'}[letter]
        elif kind < 0.04:
            out += "\\x%02x" % ord(letter)
        elif kind < 0.06:
            out += "\\u%04x" % ord(letter)
        elif kind < 0.07:
            out += "\\%03o" % ord(letter)
        else:
            out += letter
    sign = dice.choice("'\"")
    return sign + out + sign


class Maker:
    """Makes one template. Statements that an expression needs go before it."""

    def __init__(self, dice):
        self.dice = dice
        self.before = []
        self.names = 0
        # Whether what a renderer may give decides: such a name may be suspected.
        self.open = False

    def fresh(self):
        self.names += 1
        return self.dice.choice(["a", "b", "value", "ns", "key", "x_"]) + str(self.names)

    def text(self, word, depth=0):
        """An expression that comes to the word."""
        dice = self.dice
        if depth > 3 or dice.random() < 0.12 * (depth + 1):
            return quoted(word, dice)
        way = dice.choice(WAYS)
        made = way(self, word, depth + 1)
        return made if made is not None else quoted(word, dice)

    def parts(self, word, count=None):
        dice = self.dice
        cuts = sorted(dice.randrange(len(word) + 1) for _ in range((count or dice.randint(2, 4)) - 1))
        return [word[a:b] for a, b in zip([0] + cuts, cuts + [len(word)])]


def way(function):
    WAYS.append(function)
    return function


WAYS = []


@way
def concatenated(m, word, depth):
    a, b = m.parts(word, 2)
    sign = m.dice.choice(["~", "+", " ~ ", " + "])
    return f"({m.text(a, depth)}{sign}{m.text(b, depth)})"


@way
def joined(m, word, depth):
    parts = ",".join(m.text(p, depth) for p in m.parts(word))
    return m.dice.choice([f"[{parts}]|join", f"({parts},)|join('')", f"''.join([{parts}])", f"[{parts}]|join(d='')"])


@way
def separated(m, word, depth):
    if "_" not in word.strip("_"):
        return None
    pieces = ",".join(m.text(p, depth) for p in word.split("_"))
    return m.dice.choice([f"[{pieces}]|join('_')", f"'_'.join([{pieces}])", f"({pieces})|join(*['_'])", f"[{pieces}]|join(**{{'d':'_'}})"])


@way
def reversed_(m, word, depth):
    inner = m.text(word[::-1], depth)
    return m.dice.choice([f"({inner})|reverse", f"({inner})[::-1]", f"(({inner})|list|reverse|join)"])


@way
def replaced(m, word, depth):
    if not word:
        return None
    letter = m.dice.choice(word)
    other = m.dice.choice("#@Z")
    inner = m.text(word.replace(letter, other), depth)
    a, b = quoted(other, m.dice), quoted(letter, m.dice)
    return m.dice.choice([
        f"({inner})|replace({a},{b})", f"({inner}).replace({a},{b})", f"({inner})|replace(old={a},new={b})",
        f"({inner})|replace(*[{a},{b}])", f"({inner})|replace(**{{'old':{a},'new':{b}}})"])


@way
def cased(m, word, depth):
    if word != word.lower():
        return None
    return m.dice.choice([f"({m.text(word.upper(), depth)})|lower", f"({m.text(word.upper(), depth)}).lower()",
                          f"({m.text(word.swapcase(), depth)}).swapcase()", f"({m.text(word, depth)}).casefold()"])


@way
def percent(m, word, depth):
    a, b = m.parts(word, 2)
    x, y = m.text(a, depth), m.text(b, depth)
    return m.dice.choice([
        f"('%s%s' % ({x},{y}))", f"('%s%s'|format({x},{y}))", f"('%(a)s%(b)s' % {{'a':{x},'b':{y}}})", f"('%(a)s%(b)s'|format(a={x},b={y}))",
        f"('%s%s'|format(*[{x},{y}]))"])


@way
def letters(m, word, depth):
    if not word:
        return None
    codes = ",".join(str(ord(c)) for c in word)
    return f"('{'%c' * len(word)}' % ({codes},))"


@way
def braces(m, word, depth):
    a, b = m.parts(word, 2)
    x, y = m.text(a, depth), m.text(b, depth)
    return m.dice.choice([
        f"'{{}}{{}}'.format({x},{y})", f"'{{1}}{{0}}'.format({y},{x})", f"'{{a}}{{0}}'.format({y},a={x})", f"'{{}}{{}}'.format(*[{x},{y}])",
        f"'{{a}}{{b}}'.format(**{{'a':{x},'b':{y}}})", f"('{{}}{{}}'['format']({x},{y}))", f"(('{{}}{{}}'|attr('format'))({x},{y}))",
        f"'{{a}}{{b}}'.format_map({{'a':{x},'b':{y}}})"])


@way
def filled(m, word, depth):
    core = word.strip("_")
    if not word.startswith("__") or len(word) != len(core) + 4:
        return None
    width = len(word)
    return m.dice.choice([f"'{{:_^{width}}}'.format({m.text(core, depth)})", f"({m.text(core, depth)}).center({width},'_')",
                          f"('{{:_^{{}}}}'.format({m.text(core, depth)},{width}))", f"({m.text(core, depth)}).ljust({width - 2},'_').rjust({width},'_')"])


@way
def member(m, word, depth):
    x = m.text(word, depth)
    return m.dice.choice([
        f"{{'k':{x}}}['k']", f"{{'k':{x}}}.k", f"dict(k={x}).k", f"dict(k={x})['k']", f"{{'k':{x}}}.get('k')", f"({{'k':{x}}}|items|first|last)",
        f"({{'k':{x}}}.values()|list)[0]", f"({{'k':{x}}}|dictsort)[0][1]", f"({{{x}:1}}|list)[0]", f"({{{x}:1}}.keys()|list|first)", f"namespace(k={x}).k",
        f"namespace(**{{'k':{x}}}).k", f"dict(**{{'k':{x}}}).k", f"namespace({{'k':{x}}}).k"])


@way
def named(m, word, depth):
    return m.dice.choice([f"(dict({word}=1)|list|first)", f"(dict({word}=1)|join)", f"(dict({word}=1)|items|first|first)"]) if word.isidentifier() else None


@way
def item(m, word, depth):
    x = m.text(word, depth)
    others = ["'role'", "1", "'x'"]
    at = m.dice.randrange(3)
    others[at] = x
    return m.dice.choice([f"[{','.join(others)}][{at}]", f"({','.join(others)})[{at - 3}]", f"[{x}]|first", f"[{x}]|last", f"[{x}].pop()", f"([{x}]|random)",
                          f"[[{x}]]|sum(start=[])|first", f"([{x}]|batch(1)|first|first)", f"([{x}]|slice(1)|first|first)"])


@way
def sliced(m, word, depth):
    front, back = m.dice.choice(["abc", "__", "x"]), m.dice.choice(["zz", "_", "role"])
    end = len(front) + len(word)
    return f"({m.text(front + word + back, depth)})[{len(front)}:{end}]"


@way
def defaulted(m, word, depth):
    x = m.text(word, depth)
    if m.dice.random() < 0.2:
        m.open = True
        return m.dice.choice([f"nothing_here|default({x})", f"nothing_here|d(default_value={x})"])
    return m.dice.choice([f"''|default({x},true)", f"none|d({x},boolean=true)",
                          f"''|default(*[{x},true])", f"''|default(**{{'default_value':{x},'boolean':true}})", f"(''or {x})", f"(1 and {x})",
                          f"({x} if messages else 'role')", f"({x} if 1 else 'role')", f"('role' if not messages else {x})", f"({x}|default('role'))"])


@way
def listed(m, word, depth):
    x = m.text(word, depth)
    return m.dice.choice([
        f"([{x}]|map('lower')|first)" if word == word.lower() else f"([{x}]|map('string')|first)", f"([{x}]|map('replace','@','x')|list)[0]", f"([{x}]|select|first)", f"([{x}]|sort|first)", f"([{x}]|unique|list|first)",
        f"([{{'k':{x}}}]|map(attribute='k')|first)", f"([{{'k':{x}}}]|map(*['attr','k'])|list|length ~ '')[9:] ~ {x}", f"([{x}]|reject('none')|list|first)",
        f"([[{x}]]|map('first')|first)", f"([[{x}]]|map('join')|first)", f"({{'a':[{x}]}}.a|join)", f"([{x}]|min)", f"([{x},{x}]|max)",
        f"([{x}]|list|string)[2:-2]" if "'" not in word and "\\" not in word else x, f"([{{'k':{x}}}]|groupby('k')|first).grouper", f"([{{'k':{x}}}]|selectattr('k')|first).k"])


@way
def trimmed(m, word, depth):
    return m.dice.choice([f"({m.text('  ' + word + ' ', depth)})|trim", f"({m.text(' ' + word, depth)}).strip()", f"({m.text('##' + word, depth)}).lstrip('#')",
                          f"({m.text('#' + word, depth)}).removeprefix('#')", f"({m.text(word, depth)})|string|safe", f"({m.text('x ' + word + ' y', depth)}).split()[1]",
                          f"({m.text('x,' + word + ',y', depth)}).split(',')[1]", f"({m.text('x,' + word, depth)}).partition(',')[2]",
                          f"({m.text('x,' + word, depth)}).rsplit(',', 1)[-1]", f"({m.text(word + '#', depth)}).rstrip('#')", f"({m.text(word, depth)}) * 1",
                          f"({m.text(word, depth)})|e" if word.isidentifier() else m.text(word, depth)])


@way
def variable(m, word, depth):
    x = m.text(word, depth)
    name = m.fresh()
    dice = m.dice
    kind = dice.randrange(12)
    if kind == 0:
        m.before.append(f"{{% set {name} = {x} %}}")
    elif kind == 1:
        m.before.append(f"{{% set {name} = 'role' %}}{{% set {name} = {x} %}}")
    elif kind == 2:
        m.before.append(f"{{% set {name}, other = {x}, 1 %}}")
    elif kind == 3:
        m.before.append(f"{{% set {name} %}}{{{{ {x} }}}}{{% endset %}}")
    elif kind == 4:
        m.before.append(f"{{% set {name} = 'role' %}}{{% if messages %}}{{% set {name} = {x} %}}{{% endif %}}")
    elif kind == 5:
        m.before.append(f"{{% set {name} = namespace(k='role') %}}{{% for q in messages %}}{{% set {name}.k = {x} %}}{{% endfor %}}")
        return f"{name}.k"
    elif kind == 6:
        m.before.append(f"{{% set {name} = [] %}}{{% set _ = {name}.append({x}) %}}")
        return f"{name}[0]"
    elif kind == 7:
        m.before.append(f"{{% set {name} = {{}} %}}{{% set _ = {name}.update({{'k':{x}}}) %}}")
        return f"{name}.k"
    elif kind == 8:
        m.before.append(f"{{% set {name} | trim %}}  {{{{ {x} }}}} {{% endset %}}")
    elif kind == 9:
        m.before.append(f"{{% set {name} = cycler({x}) %}}")
        return f"{name}.next()"
    elif kind == 10:
        m.before.append(f"{{%- set {name} -%}}\n {{{{- {x} -}}}}\n{{%- endset -%}}")
    else:
        if "{" in word or "}" in word or "\n" in word:
            return x
        m.before.append(f"{{% set {name} %}}{word}{{% endset %}}")
    return name


@way
def macro(m, word, depth):
    x = m.text(word, depth)
    name = m.fresh()
    forms = [
        (f"({'a'})", "{{ a }}", f"{name}({x})"), ("(a)", "{{ a }}", f"{name}(a={x})"), ("(a)", "{{ a }}", f"{name}(*[{x}])"), ("(a)", "{{ a }}", f"{name}(**{{'a':{x}}})"),
        (f"(a={quoted(word, m.dice)})", "{{ a }}", f"{name}()"), ("()", "{{ varargs[0] }}", f"{name}({x})"), ("()", "{{ kwargs.k }}", f"{name}(k={x})"),
        ("(a, b='role')", "{{ b }}", f"{name}(1, {x})"), ("()", "{{ varargs|first }}{{ kwargs|length if 0 }}", f"{name}({x})"), ("()", "{{ kwargs['k'] }}", f"{name}(**{{'k':{x}}})"),
        ("(a, b)", "{{ b }}", f"{name}(b={x}, a=1)")]
    signature, body, call = m.dice.choice(forms)
    m.before.append(f"{{% macro {name}{signature} %}}{body}{{% endmacro %}}")
    return call


@way
def looped(m, word, depth):
    x = m.text(word, depth)
    name = m.fresh()
    m.before.append(m.dice.choice([
        f"{{% set {name} %}}{{% for c in [{','.join(quoted(c, m.dice) for c in word)}] %}}{{{{ c }}}}{{% endfor %}}{{% endset %}}",
        f"{{% set {name} %}}{{% for c in {x} %}}{{{{ c }}}}{{% endfor %}}{{% endset %}}",
        f"{{% set {name} %}}{{% for c in [{x}] %}}{{{{ loop.cycle(c) }}}}{{% endfor %}}{{% endset %}}",
        f"{{% set {name} %}}{{% filter lower %}}{{{{ {x} }}}}{{% endfilter %}}{{% endset %}}" if word == word.lower() else f"{{% set {name} = {x} %}}",
        f"{{% set {name} %}}{{% with w = {x} %}}{{{{ w }}}}{{% endwith %}}{{% endset %}}",
        f"{{% macro m{name}() %}}{{{{ caller() }}}}{{% endmacro %}}{{% set {name} %}}{{% call m{name}() %}}{{{{ {x} }}}}{{% endcall %}}{{% endset %}}",
        f"{{% macro m{name}() %}}{{{{ caller({x}) }}}}{{% endmacro %}}{{% set {name} %}}{{% call(w) m{name}() %}}{{{{ w }}}}{{% endcall %}}{{% endset %}}",
        f"{{% set {name} %}}{{% for k, v in {{'a':{x}}}.items() %}}{{{{ v }}}}{{% endfor %}}{{% endset %}}",
        f"{{% set {name} %}}{{% for (k, v) in [(1, {x})] %}}{{{{ v }}}}{{% endfor %}}{{% endset %}}",
        f"{{% set {name} %}}{{% for c in [1, 2] %}}{{% if loop.last %}}{{{{ {x} }}}}{{% endif %}}{{% endfor %}}{{% endset %}}" if m.dice.random() < 0.1 else f"{{% set {name} = {x} %}}",
        f"{{% set {name} %}}{{% block b{name} %}}{{{{ {x} if 1 }}}}{{% endblock %}}{{% endset %}}" if m.names == 1 else f"{{% set {name} = {x} %}}",
    ]))
    return name


OBJECTS = ["messages", "messages[0]", "''", "[]", "{}", "cycler", "namespace", "()", "(1)", "bos_token", "messages|first", "dict(a=1)", "messages[0]['role']", "self"]


def use(m, word):
    """A template's end that reads the attribute that a word names."""
    dice = m.dice
    value = dice.choice(OBJECTS)
    kind = dice.random()
    if kind < 0.25:
        pattern = dice.choice([f"{{0.{word}}}", f"{{.{word}}}", f"{{a.{word}}}", f"<{{0.{word}!s}}>", f"{{1:>{{0.{word}}}}}" if dice.random() < 0.1 else f"{{0.{word}}}"])
        p = m.text(pattern)
        return dice.choice([
            f"{{{{ ({p}).format({value}, a={value}) }}}}", f"{{{{ ({p})['format']({value}, a={value}) }}}}", f"{{{{ (({p})|attr('format'))({value}, a={value}) }}}}",
            f"{{{{ ({p}).format(*[{value}], **{{'a':{value}}}) }}}}", f"{{% set f = ({p}).format %}}{{{{ f({value}, a={value}) }}}}",
            f"{{{{ ({p}).format({value}, a={value})|upper }}}}", f"{{{{ ([{p}]|map(attribute='format')|first)({value}, a={value}) }}}}", f"{{{{ {{'f':({p}).format}}.f({value}, a={value}) }}}}"])
    x = m.text(word)
    one = f"[{value}]"
    return dice.choice([
        f"{{{{ {value}|attr({x}) }}}}", f"{{{{ {value}|attr(name={x}) }}}}", f"{{{{ {value}|attr(*[{x}]) }}}}", f"{{{{ {value}|attr(**{{'name':{x}}}) }}}}",
        f"{{{{ ({value})[{x}] }}}}", f"{{% set t = ({value})[{x}] %}}", f"{{% if ({value})[{x}] %}}a{{% endif %}}", f"{{{{ {one}|map(attribute={x})|list }}}}",
        f"{{{{ {one}|map('attr',{x})|list }}}}", f"{{{{ {one}|map(*['attr',{x}])|list }}}}", f"{{{{ {one}|map(**{{'attribute':{x}}})|list }}}}",
        f"{{{{ {one}|selectattr({x})|list }}}}", f"{{{{ {one}|rejectattr({x})|list }}}}", f"{{{{ {one}|selectattr(*[{x}])|list }}}}", f"{{{{ {one}|selectattr({x},'defined')|list }}}}",
        f"{{{{ {one}|sort(attribute={x}) }}}}", f"{{{{ {one}|sort(false,false,{x}) }}}}", f"{{{{ {one}|sort(*[false,false,{x}]) }}}}", f"{{{{ {one}|unique(attribute={x})|list }}}}",
        f"{{{{ {one}|unique(false,{x})|list }}}}", f"{{{{ {one}|groupby({x}) }}}}", f"{{{{ {one}|groupby(attribute={x}) }}}}", f"{{{{ {one}|groupby(**{{'attribute':{x}}}) }}}}",
        f"{{{{ {one}|sum(attribute={x}) }}}}", f"{{{{ {one}|sum({x}) }}}}", f"{{{{ {one}|min(attribute={x}) }}}}", f"{{{{ {one}|max(false,{x}) }}}}", f"{{{{ {one}|join('',{x}) }}}}",
        f"{{{{ {one}|join(attribute={x}) }}}}", f"{{{{ {one}|join(**{{'attribute':{x}}}) }}}}", f"{{% for q in {one} %}}{{{{ q|attr({x}) }}}}{{% endfor %}}",
        f"{{% macro reads(o, n) %}}{{{{ o[n] }}}}{{% endmacro %}}{{{{ reads({value}, {x}) }}}}", f"{{% macro reads(o, n) %}}{{{{ o|attr(n) }}}}{{% endmacro %}}{{{{ reads(n={x}, o={value}) }}}}",
        f"{{% macro reads(o) %}}{{{{ o|attr(caller()) }}}}{{% endmacro %}}{{% call reads({value}) %}}{{{{ {x} }}}}{{% endcall %}}",
        f"{{% with n = {x} %}}{{{{ ({value})[n] }}}}{{% endwith %}}", f"{{% filter attr({x}) %}}text{{% endfilter %}}", f"{{% set y | attr({x}) %}}text{{% endset %}}",
        f"{{% for q in messages if q[{x}] %}}a{{% endfor %}}", f"{{{{ 'a' if ({value})|attr({x}) is defined else 'b' }}}}", f"{{% for n in [{x}] %}}{{{{ ({value})[n] }}}}{{% endfor %}}",
        f"{{% for n in ['role',{x}] %}}{{{{ ({value})|attr(n) }}}}{{% endfor %}}", f"{{{{ [[{value}]]|map('map',attribute={x})|map('list')|list }}}}",
        f"{{{{ [{value}]|map('attr',{x})|map('string')|join }}}}", f"{{% for o in {one} recursive %}}{{{{ o|attr({x}) }}}}{{% endfor %}}"])


FRAME = [
    ("{% for m in messages %}{{ m.role }}: {{ m['content'] | trim }}\n{% endfor %}", ""),
    ("{{ bos_token }}{% for message in messages %}{% if message.role == 'user' %}{{ message.content }}{% endif %}{% endfor %}", "{% if add_generation_prompt %}go{% endif %}"),
    ("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{{ messages[loop.index0].content }}{% endfor %}", "{{ ns.n }}"),
    ("", ""),
]


def make(dice):
    maker = Maker(dice)
    end = "".join(use(maker, dice.choice(INTERNAL if dice.random() < 0.5 else HARMLESS)) for _ in range(dice.choice([1, 1, 1, 2])))
    front, back = dice.choice(FRAME)
    whole = front + "".join(maker.before) + end + back
    if dice.random() < 0.05:
        whole = front + "{% for r in [1, 2] %}" + "".join(maker.before) + end + "{% endfor %}" + back
    if dice.random() < 0.05:
        whole = front + "{% if messages %}" + "".join(maker.before) + end + "{% else %}no{% endif %}" + back
    return whole, maker.open


CONVERSATION = {
    "messages": [{"role": "user", "content": "Hello", "name": "ann"}, {"role": "assistant", "content": "Hi there"}],
    "bos_token": "<s>",
    "eos_token": "</s>",
    "add_generation_prompt": True,
    "tools": [{"function": {"name": "f", "parameters": {"properties": {"a": {"type": "string"}}}}}],
}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    dice = random.Random(options.seed)
    environment = Recorder(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    plain = Recorder(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    refused = 0
    for number in range(options.count):
        text, is_open = make(dice)
        reached = set()
        failed = None
        for one in (environment, plain):
            one.reached.clear()
            try:
                one.from_string(text).render(**CONVERSATION)
            except TemplateSyntaxError as error:
                failed = "syntax: " + str(error)
            except Exception as error:
                failed = type(error).__name__ + ": " + str(error)[:80]
            reached.update(one.reached)
        refused += failed is not None and failed.startswith("syntax")
        print(json.dumps({"text": text, "reached": sorted(reached), "open": is_open, **({"failed": failed} if failed else {})}))
    print(f"{refused} of {options.count} are refused", file=sys.stderr)


main()
