"""The interpreter in which tests run: trusted, and kept away from the program, which lives in another process.

The script sees the program through stand-ins. A call on one ships plain data (wire.py) to the program's interpreter and gets plain
data back, so expected values, comparisons and the count of assertions stay here, over exact built-in types. An object of the
program's that is not plain data arrives as a Remote: it can be called, iterated, indexed and handed back, but it has no equality,
no order and no arithmetic, because those would show it the expected value. Attributes it has only where the tests make an instance
of a class of the program's, which is known from the trusted prompt, or, without one, from the name's capital letter.

`ask(text) -> text` asks the program's interpreter.
"""
import ast
import asyncio
import builtins
import inspect
import json
import random
import types

SCRIPT = '<tests>'
LONGEST_SHOWN = 500


class AssertionDidNotHold(BaseException):
    """Raised in the place of AssertionError, which a test may catch and a program may raise."""

    def __init__(self, found):
        self.found = found


class Untestable(BaseException):
    """The tests ask for something that cannot be handed to the program."""


class Lost(BaseException):
    """The program's interpreter did not live to answer; whoever started it knows why."""


class OutOfMemory(BaseException):
    """The program's, or its answer's."""


class Remote:
    """An object of the program's, over there."""
    __slots__ = ('_session', '_on', '_kind', '_attributes')
    __hash__ = object.__hash__

    def __init__(self, session, on, kind, attributes=False):
        object.__setattr__(self, '_session', session)
        object.__setattr__(self, '_on', on)
        object.__setattr__(self, '_kind', kind)
        object.__setattr__(self, '_attributes', attributes)

    def __call__(self, *args, **kwargs):
        # What a class of the program's makes has attributes; what a function gives back has not.
        instance = self._attributes and type(self._on) is str
        return self._session.ask(self._on, 'call', args, kwargs, instance)

    def __getattr__(self, name):
        if not self._attributes or (name.startswith('__') and name.endswith('__')):
            raise AttributeError("'%s' object of the program's has no attribute '%s' here: it is not a plain value" % (self._kind, name))
        return self._session.ask(self._on, 'getattr', (name,), {})

    def __iter__(self):
        iterator = self._session.ask(self._on, 'iter', (), {})
        return Items(iterator) if type(iterator) is Remote else iter(iterator)

    def __next__(self):
        return self._session.ask(self._on, 'next', (), {})

    def __len__(self):
        return self._session.ask(self._on, 'len', (), {})

    def __getitem__(self, key):
        return self._session.ask(self._on, 'item', (key,), {})

    def __bool__(self):
        return self._session.ask(self._on, 'bool', (), {}) is True

    def __str__(self):
        return self._session.ask(self._on, 'str', (), {})

    def __await__(self):
        yield from ()
        return self._session.ask(self._on, 'await', (), {})

    def __repr__(self):
        return '<%s of the program, not a plain value>' % self._kind


class Items:
    """Goes through an iterator of the program's."""

    def __init__(self, remote):
        self.remote = remote

    def __iter__(self):
        return self

    def __next__(self):
        return self.remote.__next__()


class Session:
    """One program under test."""

    def __init__(self, ask):
        self.send = ask
        self.callbacks = []

    def ask(self, on, op, args, kwargs, instance=False):
        encoder = Encoder(self.keep)
        try:
            arguments = encoder.encode((args, kwargs))
        except NotPlain as error:
            raise Untestable(str(error)) from None
        answer = self.send(encoder.text({'on': on, 'op': op, 'arguments': arguments}))
        while True:
            answer = self.read(answer)
            if 'callback' not in answer:
                break
            answer = self.send(json.dumps(self.call_back(answer['callback'])))
        if 'raise' in answer:
            raise self.raised(answer['raise'])
        decoder = Decoder(lambda node: self.resolve(node, instance), encoder.kept)
        try:
            for number, node in answer.get('changes', ()):
                decoder.fill(encoder.kept[decoder.index(number)], node)
            return decoder.decode(answer['value'])
        except (NotPlain, TypeError, ValueError, KeyError, AttributeError) as error:
            raise self.raised({'type': 'NotPlain', 'bases': ['TypeError'], 'message': 'the answer is not plain data: %s' % error, 'line': None}) from None

    def read(self, text):
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self.raised({'type': 'NotPlain', 'bases': ['TypeError'], 'message': 'the answer is not plain data: %s' % type(error).__name__, 'line': None}) from None
        if type(answer) is dict and 'answer' in answer:
            answer = answer['answer']
        if type(answer) is not dict:
            raise self.raised({'type': 'NotPlain', 'bases': ['TypeError'], 'message': 'the answer is not plain data', 'line': None})
        if 'lost' in answer:
            raise Lost()
        if 'memory' in answer:
            raise OutOfMemory()
        return answer

    def keep(self, value):
        if type(value) is Remote:
            return ['n', value._on] if type(value._on) is str else ['o', value._on]
        if type(value) is Items:
            return ['o', value.remote._on]
        if callable(value) or hasattr(value, '__next__'):
            self.callbacks.append(value)
            return ['k', len(self.callbacks) - 1]
        raise NotPlain("an argument of type '%s' is not plain data" % type(value).__name__)

    def resolve(self, node, instance=False):
        if node[0] == 'o' and type(node[1]) is int:
            return Remote(self, node[1], str(node[2])[:80] if len(node) > 2 else 'object', instance)
        if node[0] == 'k':
            return self.callbacks[node[1]]
        raise NotPlain('malformed')

    def call_back(self, request):
        try:
            arguments = Decoder(self.resolve).decode(request['arguments'])
            function = self.callbacks[request['on']]
            value = next(function) if request['op'] == 'next' else function(*arguments[0], **arguments[1])
            return {'value': Encoder(self.keep).encode(value)}
        except Exception as error:
            return {'raise': {'type': type(error).__name__, 'message': str(error)[:LONGEST_SHOWN]}}

    def raised(self, info):
        """The program's exception, as the nearest built-in one."""
        bases = info.get('bases') if type(info.get('bases')) is list else []
        kind = next((found for found in (getattr(builtins, str(name), None) for name in bases) if isinstance(found, type) and issubclass(found, Exception)), ProgramEnded)
        error = kind.__new__(kind)
        error.args = (str(info.get('message', '')),)
        try:
            error.from_program = info
        except AttributeError:
            pass
        return error


class ProgramEnded(BaseException):
    """SystemExit, KeyboardInterrupt or GeneratorExit of the program: no test expects those."""


# --- the script ---------------------------------------------------------------------------------------------------------------


def shown(value):
    try:
        text = repr(value)
    except BaseException as error:
        text = '<%s in repr>' % type(error).__name__
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN - 1] + '\u2026'


SYMBOLS = {
    ast.NotEq: '!=', ast.Lt: '<', ast.LtE: '<=', ast.Gt: '>', ast.GtE: '>=', ast.Is: 'is', ast.IsNot: 'is not', ast.In: 'in', ast.NotIn: 'not in',
}


class Assertions(ast.NodeTransformer):
    """Rewrites `assert` so that each is counted, and a comparison that does not hold tells both sides."""

    def __init__(self, source):
        self.source = source

    def visit_Assert(self, node):
        self.generic_visit(node)
        text = ast.get_source_segment(self.source, node) or 'assert'
        where = [ast.Constant(node.lineno), ast.Constant(text[:LONGEST_SHOWN])]
        test, made = node.test, []
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            left, right = ast.Name('__left__', ast.Load()), ast.Name('__right__', ast.Load())
            made = [
                ast.Assign([ast.Name('__left__', ast.Store())], test.left),
                ast.Assign([ast.Name('__right__', ast.Store())], test.comparators[0]),
            ]
            symbol = SYMBOLS.get(type(test.ops[0]), '')
            test = ast.Compare(left, test.ops, [right])
            where += [left, right, ast.Constant(symbol)]
        failed = ast.Expr(ast.Call(ast.Name('__fail__', ast.Load()), where, []))
        held = ast.Expr(ast.Call(ast.Name('__held__', ast.Load()), [], []))
        statements = [*made, ast.If(test, [held], [failed])]
        for statement in statements:
            ast.copy_location(statement, node)
            ast.fix_missing_locations(statement)
        return statements


def bound_names(tree):
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split('.')[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


def loaded_names(tree):
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def prompt_space(prompt):
    """What the prompt itself defines, the function or class that it leaves open with `pass` for a body."""
    for ending in ('', '\n    pass\n', '\n        pass\n', ' pass\n'):
        space = {'__name__': 'prompt'}
        try:
            exec(compile(prompt + ending, '<prompt>', 'exec', dont_inherit=True), space)
        except Exception:
            continue
        return space
    return {'__name__': 'prompt'}


def run_tests(text, ask):
    """Runs one test script; returns the verdict as JSON. `ask` is called for every call on the program."""
    request = json.loads(text)
    # Tests that draw their inputs draw the same ones each time.
    random.seed(0)
    held = [0]
    try:
        outcome = carry_out(request, ask, held)
    except AssertionDidNotHold as failure:
        outcome = {'verdict': 'failed', 'assertion': {'index': held[0], **failure.found}}
    except Lost:
        outcome = {'verdict': 'lost'}
    except (OutOfMemory, MemoryError):
        outcome = {'verdict': 'out-of-memory'}
    except Untestable as error:
        outcome = {'verdict': 'error', 'type': 'Untestable', 'message': str(error), 'line': None, 'where': 'tests'}
    except BaseException as error:
        outcome = from_exception(error, request, held)
    return json.dumps({**outcome, 'assertions': held[0]})


def from_exception(error, request, held):
    info = getattr(error, 'from_program', None)
    if info is not None:
        line = info.get('line')
        return {'verdict': 'error', 'type': str(info.get('type')), 'message': str(info.get('message'))[:LONGEST_SHOWN], 'line': line if type(line) is int else None, 'where': 'program'}
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == SCRIPT:
            line = frame.tb_lineno
        frame = frame.tb_next
    if isinstance(error, AssertionError):
        source = (request['script'].split('\n') + [''])[(line or 1) - 1].strip()
        return {'verdict': 'failed', 'assertion': {'index': held[0], 'line': line or 1, 'source': source[:LONGEST_SHOWN], 'got': None, 'wanted': None}}
    return {'verdict': 'error', 'type': type(error).__name__, 'message': str(error)[:LONGEST_SHOWN], 'line': line, 'where': 'tests'}


def carry_out(request, ask, held):
    session = Session(ask)
    script, entry = request['script'], request.get('entryPoint')
    tree = ast.parse(script, SCRIPT)
    space = prompt_space(request.get('prompt') or '')
    bound = bound_names(tree)
    own = {entry, *request.get('names', ())}
    trusted = {name for name, value in space.items() if name != entry}
    for name in loaded_names(tree) | ({entry} if entry else set()):
        if name not in own and (name in bound or name in trusted or hasattr(builtins, name)):
            continue
        known = space.get(name)
        is_class = isinstance(known, type) if known is not None else name[:1].isupper()
        space[name] = Remote(session, name, 'class' if is_class else 'function', is_class)

    def fail(line, source, *sides):
        got, wanted = (shown(sides[0]), (sides[2] + ' ' + shown(sides[1])).strip()) if sides else (None, None)
        raise AssertionDidNotHold({'line': line, 'source': source, 'got': got, 'wanted': wanted})

    def hold():
        held[0] += 1

    space.update(__fail__=fail, __held__=hold, __name__='tests')
    code = compile(Assertions(script).visit(tree), SCRIPT, 'exec', dont_inherit=True)
    exec(code, space)
    if entry:
        check = space.get('check')
        if type(check) is not types.FunctionType:
            return {'verdict': 'error', 'type': 'Untestable', 'message': 'the tests define no function check(candidate)', 'line': None, 'where': 'tests'}
        outcome = check(space[entry] if type(space.get(entry)) is Remote else Remote(session, entry, 'function'))
        if inspect.iscoroutine(outcome):
            asyncio.run(outcome)
    if held[0] == 0:
        return {'verdict': 'error', 'type': 'Untestable', 'message': 'the tests assert nothing', 'line': None, 'where': 'tests'}
    return {'verdict': 'passed'}
