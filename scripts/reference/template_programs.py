"""Small random templates for templates.py: expressions, statements and white space from a grammar."""

VARIABLES = dict(
    messages=[
        dict(role="system", content=" Be brief.\n"),
        dict(role="user", content="Was there <b>any</b> 👍?"),
        dict(role="assistant", content="<think>\nno\n</think>\n\nYes, \"two\"."),
        dict(role="user", content=""),
    ],
    bos_token="<s>",
    eos_token="</s>",
    n=3,
    zero=0,
    minus=-7,
    half=2.5,
    third=0.1,
    yes=True,
    no=False,
    none_value=None,
    empty="",
    word="Straße",
    words=["b", "A", "c", "a", "B"],
    blanks=" \t x y\u00a0\n",
    numbers=[3, -1, 2, 2, 0],
    mixed=[1, "1", None, True, 1.0, [2]],
    tuple_text="a,b,,c",
    table=dict(b=1, A="x", c=[1, 2], a=None),
    nested=[dict(k=dict(z=1), w="B"), dict(k=dict(z=0), w="a"), dict(w="C")],
    unicode="é👍\u0085\ufeff日本\x1cz",
)

TEXTS = ["''", "'a'", "'\\n'", "' '", "'ab'", "'B'", "'👍'", "'x\\ty'", '"q\'"', "'é' 'f'", "'%s-%s'", "'{}:{}'", "'a,b'", "'</think>'", "'\\u00e9'", "'it\\'s'", "'0'", "'12'", "' 4 '", "'1.5'"]
NUMBERS = ["0", "1", "2", "-1", "-3", "7", "2.5", "-0.5", "1e3", "0.1", "100", "1_000", "0x1f"]
CONSTANTS = ["true", "False", "none", "None", "True"]
NAMES = list(VARIABLES) + ["nothing", "loop", "x", "y"]
OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "and", "or", "in", "not in"]
ATTRIBUTES = ["content", "role", "k.z", "w", "items", "upper", "missing", "0", "keys"]
METHODS = [
    "strip()", "strip('x ')", "lstrip('\\n')", "rstrip()", "split()", "split(',')", "split(',', 1)", "rsplit(',', 1)", "split(None, 1)", "splitlines()", "splitlines(true)",
    "upper()", "lower()", "title()", "capitalize()", "replace('a', 'X')", "replace('', '-', 2)", "replace('e', '', 1)", "startswith('<')", "startswith(('a', ' '))",
    "endswith('.')", "find('a')", "rfind('a')", "index('a')", "count('a')", "count('')", "join(words)", "join(numbers)", "isdigit()", "isspace()", "isupper()", "islower()", "isalpha()", "isalnum()",
    "partition(',')", "rpartition(',')", "removeprefix(' ')", "removesuffix('.')", "format(1, 'z')", "format(n)", "keys()", "values()", "items()", "get('a')", "get('zz', 4)", "get('b', 0)",
    "items() | list", "copy()", "index(2)", "count(2)", "append(1)", "pop()", "update({})", "split('')", "zfill(3)", "foo()", "rsplit(None, 1)", "strip(1)", "split(sep=',', maxsplit=1)",
]
FILTERS = [
    "trim", "trim('x')", "length", "count", "upper", "lower", "title", "capitalize", "list", "list | length", "join", "join('-')", "join(', ', attribute='role')", "first", "last", "reverse", "reverse | list",
    "sort", "sort(reverse=true)", "sort(case_sensitive=true)", "sort(attribute='w')", "unique | list", "unique | join", "map('upper') | list", "map(attribute='role') | join(',')", "map('trim') | list",
    "map(attribute='k', default='d') | list", "select | list", "reject | list", "select('odd') | list", "select('string') | list", "reject('none') | list", "select('in', [1, 2]) | list",
    "selectattr('role', 'equalto', 'user') | list | length", "selectattr('k') | map(attribute='w') | list", "rejectattr('role', '==', 'user') | map(attribute='role') | join", "tojson", "tojson(indent=2)",
    "tojson(ensure_ascii=true)", "tojson(separators=(',', ':'))", "tojson(sort_keys=true)", "string", "int", "int(5)", "float", "abs", "round", "round(1)", "round(1, 'floor')", "round(method='ceil')", "min", "max", "sum",
    "default('d')", "default('d', true)", "d", "replace('a', 'b')", "replace('a', 'b', 1)", "indent", "indent(2, true)", "indent(1, blank=true)", "items | list", "dictsort", "dictsort(reverse=true)", "dictsort(by='value')",
    "batch(2) | list", "batch(2, 'f') | list", "escape", "e", "safe", "safe ~ '<'", "format(1, 2)", "format('z')", "map('int') | sum", "map('length') | list", "map('first') | list", "min(attribute='w')", "sum(attribute='b')",
    "wordcount", "slice(2) | list", "nosuch", "attr('x')", "unique(attribute='w') | list", "max(case_sensitive=true)", "map('replace', 'a', 'o') | list", "select('defined') | list", "map('tojson') | join", "length is odd",
]
TESTS = [
    "defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "iterable", "sequence", "true", "false", "odd", "even", "divisibleby(2)", "divisibleby 3", "lower", "upper", "in [1, 2]", "in 'abc'",
    "eq 1", "ne 1", "lt 2", "gt(2)", "le 2", "ge 2", "== 'a'", "equalto none", "callable", "sameas true", "sameas none", "not none", "not defined", "not string", "escaped", "nosuch", "not in words",
]
SUBSCRIPTS = ["[0]", "[-1]", "[1:]", "[:-1]", "[::-1]", "[::2]", "[-2:]", "[5]", "[10:2]", "[3:0:-1]", "['a']", "['content']", "[n]", "[:n]", "[none]", "['items']", "[true]", "['zz']", "[1:2:0]", "[half]"]


class Grammar:
    def __init__(self, rng):
        self.rng = rng
        self.names = list(NAMES)

    def pick(self, options):
        return self.rng.choice(options)

    def chance(self, share):
        return self.rng.random() < share

    def atom(self):
        return self.pick([self.pick(TEXTS), self.pick(NUMBERS), self.pick(CONSTANTS), *[self.pick(self.names) for _ in range(4)]])

    def expression(self, depth=3):
        if depth <= 0 or self.chance(0.15):
            return self.atom()
        inner = lambda: self.expression(depth - 1)
        group = lambda: f"({inner()})" if self.chance(0.7) else inner()
        kind = self.rng.randrange(14)
        if kind < 3:
            return f"{group()} {self.pick(OPERATORS)} {group()}"
        if kind < 6:
            return f"{group()} | {self.pick(FILTERS)}"
        if kind == 6:
            return f"{group()}.{self.pick(METHODS)}"
        if kind == 7:
            return f"{self.pick(self.names)}.{self.pick(METHODS)}"
        if kind == 8:
            return f"{group()} is {self.pick(TESTS)}"
        if kind == 9:
            return f"{self.pick(self.names)}{self.pick(SUBSCRIPTS)}" if self.chance(0.7) else f"{group()}{self.pick(SUBSCRIPTS)}"
        if kind == 10:
            return f"{inner()} if {inner()}" + (f" else {inner()}" if self.chance(0.8) else "")
        if kind == 11:
            return self.display(inner)
        if kind == 12:
            return self.pick([f"not {group()}", f"-{group()}", f"{group()} < {group()} <= {group()}", f"{group()} ** {self.pick(['0', '1', '2', '3'])}", f"{group()} ~ {group()} ~ {group()}"])
        return self.pick([
            f"{self.pick(self.names)}.{self.pick(ATTRIBUTES)}", f"range({self.pick(['n', '2', '1, 4', '4, 0, -2', '0', 'zero'])}) | list", f"dict(a={inner()}, b=2)", f"'%s|%s' % ({inner()}, {inner()})",
            f"'%(a)s' % {{'a': {inner()}}}", f"'{{}} {{0}}'.format({inner()})", f"'{{a}}/{{b[0]}}'.format(a={inner()}, b={inner()})", f"'%d %r' % ({inner()}, {inner()})", "namespace(a=1).a", "range(3)", f"'%s' % {group()}",
        ])

    def display(self, inner):
        items = [inner() for _ in range(self.rng.randrange(4))]
        kind = self.rng.randrange(3)
        if kind == 0:
            return "[" + ", ".join(items) + "]"
        if kind == 1:
            return "(" + "".join(f"{item}, " for item in items) + ")"
        return "{" + ", ".join(f"{self.pick(TEXTS + NUMBERS[:4])}: {item}" for item in items) + "}"

    # Statements

    def data(self):
        pieces = ["text", " ", "\n", "  ", "\n\n", "\t", "é👍", "{", "}", "x\n  ", "\r\n", "#", "%", "\n   ", "\u00a0", ".", ""]
        return "".join(self.pick(pieces) for _ in range(self.rng.randrange(4)))

    def tag(self, inside):
        return f"{{%{self.pick(['', '', '-', '+'])} {inside} {self.pick(['', '', '-', '+'])}%}}"

    def printed(self, expression):
        return f"{{{{{self.pick(['', '', '-', '+'])} {expression} {self.pick(['', '-', ''])}}}}}"

    def name(self):
        return self.pick(["x", "y", "z", "n", "word"])

    def body(self, depth, loops=0):
        parts = [self.data()]
        for _ in range(self.rng.randint(1, 3)):
            parts += [self.statement(depth, loops), self.data()]
        return "".join(parts)

    def statement(self, depth, loops=0):
        if depth <= 0 or self.chance(0.3):
            return self.printed(self.expression(2))
        body = lambda inside=loops: self.body(depth - 1, inside)
        kind = self.rng.randrange(15)
        if kind < 3:
            return self.loop(body, loops)
        if kind < 5:
            return self.condition(body)
        if kind < 7:
            return self.tag(f"set {self.name()} = {self.expression(2)}") + self.printed(self.name())
        if kind == 7:
            with_filter = self.pick(["", " | upper", " | trim"])
            return self.tag(f"set {self.name()}{with_filter}") + body() + self.tag("endset") + self.printed(self.name())
        if kind == 8:
            return self.namespace(body)
        if kind == 9:
            return self.macro(body)
        if kind == 10:
            return self.tag(f"with {self.name()} = {self.expression(1)}") + body() + self.tag("endwith") + self.printed(self.name())
        if kind == 11:
            return self.tag("filter " + self.pick(["upper", "trim", "indent(2)", "replace('x', 'é')", "trim | title"])) + body() + self.tag("endfilter")
        if kind == 12:
            return self.tag("raw") + self.pick(["{{ x }}", " {% if %} ", "\n  a\n  ", "#}"]) + self.tag("endraw")
        if kind == 13:
            return "{#" + self.pick(["", "-", "+"]) + " note " + self.pick(["", "{{ x }}", "\n"]) + self.pick(["", "-", "+"]) + "#}"
        if loops > 0:
            return self.tag(f"if {self.expression(1)}") + self.tag(self.pick(["break", "continue"])) + self.tag("endif")
        return self.tag("generation") + body(0) + self.tag("endgeneration")

    def loop(self, body, loops):
        target, over = self.pick([("x", "numbers"), ("x", "words"), ("x", "messages"), ("x", "range(n)"), ("x", "word"), ("x, y", "table.items()"), ("x, y", "table | dictsort"), ("x", "nothing"), ("x", self.expression(1)), ("x", "messages[1:]"), ("y", "numbers | select('odd')")])
        test = f" if {self.pick(['x', 'x is string', 'loop', 'y is defined', self.expression(1)])}" if self.chance(0.25) else ""
        inside = "".join(self.printed(f"loop.{self.pick(['index', 'index0', 'first', 'last', 'length', 'revindex', 'revindex0', 'depth', 'previtem', 'nextitem', 'cycle(1, 2)', 'changed(x)', 'foo'])}") for _ in range(self.rng.randrange(3)))
        otherwise = self.tag("else") + body() if self.chance(0.25) else ""
        return self.tag(f"for {target} in {over}{test}") + inside + body(loops + 1) + otherwise + self.tag("endfor")

    def condition(self, body):
        parts = [self.tag(f"if {self.expression(2)}"), body()]
        for _ in range(self.rng.randrange(2)):
            parts += [self.tag(f"elif {self.expression(1)}"), body()]
        if self.chance(0.5):
            parts += [self.tag("else"), body()]
        return "".join([*parts, self.tag("endif")])

    def namespace(self, body):
        begin = self.tag(f"set ns = namespace(a={self.expression(1)}, b=0)")
        change = self.pick(["set ns.a = ns.b + 1", "set ns.b = x", f"set ns.c = {self.expression(1)}", "set ns.a, ns.b = 1, 2", "set ns._a = 1", "set word.a = 1"])
        return begin + self.tag("for x in numbers") + self.tag(change) + self.tag("endfor") + body() + self.printed(self.pick(["ns.a", "ns.b", "ns.c", "ns", "ns['a']", "ns.a is defined"]))

    def macro(self, body):
        signature = self.pick(["", "x", "x, y=2", "x='d', y=x", "a=y, y=1"])
        call = self.pick(["m()", "m(1)", "m(1, 2)", "m(y=3)", "m(1, 2, 3)", "m(x=word)", "m(zz=1)", "m(*[1])", "m(**{'x': 5})"])
        special = self.pick(["", "", self.printed("caller()"), self.printed("varargs"), self.printed("kwargs")])
        define = self.tag(f"macro m({signature})") + special + body(0) + self.tag("endmacro")
        if self.chance(0.3):
            return define + self.tag(f"call {call}") + self.data() + self.tag("endcall")
        return define + self.printed(f"{call}{self.pick(['', ' | trim', ' ~ x'])}")


def programs(rng):
    grammar = Grammar(rng)
    seen = set()
    while True:
        source = grammar.printed(grammar.expression(3)) if rng.random() < 0.5 else grammar.body(3)
        if source not in seen and len(source) < 900:
            seen.add(source)
            yield source
