"""The interpreter in which a program runs: it loads the program and carries out calls on it, one request at a time.

It judges nothing. A call's arguments come as plain data and its result goes back as plain data (wire.py); what was expected never
comes here. A program may tamper with everything in this file: it can only spoil its own answers. The audit hook tells a program
that tries to leave apart from one that merely fails; what holds it are the walls outside (src/processes/sandbox.ts).

`ask(text) -> text` sends a callback to the tests and is the only way out from within a call.
"""
import asyncio
import builtins
import collections
import io
import json
import os
import random
import re
import selectors
import sys
import time
import traceback
import types

FILE = '<program>'
DENIED = frozenset((
    'socket.connect', 'socket.bind', 'socket.sendto', 'socket.sendmsg', 'socket.getaddrinfo', 'socket.gethostbyname', 'socket.gethostbyaddr',
    'subprocess.Popen', 'os.system', 'os.exec', 'os.posix_spawn', 'os.spawn', 'os.fork', 'os.forkpty', 'os.kill', 'os.killpg', 'pty.spawn',
    'os.symlink', 'os.link', 'os.chown', 'os.chroot', 'webbrowser.open', 'urllib.Request', 'ftplib.connect', 'smtplib.connect',
))
OUTSIDE = frozenset(('js', 'pyodide_js', '_pyodide_core', 'pyodide', '_pyodide', 'micropip'))
PRIVATE = re.compile(r'/proc/[^/]+/(environ|mem|maps|fd|root|cwd|task|cmdline|ns)|/(root|home)/|/etc/(passwd|shadow)|/sys/|/dev/(?!null|zero|u?random|std)')
KEPT_OUTPUT = 16_000

# A class's name, whatever its metaclass says.
NAME = type.__dict__['__name__'].__get__

# A program may replace any of these under its feet.
fixed = types.SimpleNamespace(
    json_loads=json.loads, exec=exec, compile=compile, getattr=getattr, iter=iter, next=next, len=len, type=type, bool=bool, str=str, isinstance=isinstance,
    callable=callable, setlimit=sys.setrecursionlimit, getlimit=sys.getrecursionlimit, extract=traceback.extract_tb,
)


class ShortOfMemory:
    """What is freed when memory has run out, so that it can still be told."""
    reserve = None


class Output(io.TextIOBase):
    """stdout and stderr: the beginning is kept, the rest is counted. `over()` is called once when more than `limit` was written."""

    def __init__(self, limit, over):
        self.parts, self.size, self.limit, self.over = [], 0, limit, over

    encoding = 'utf-8'
    errors = 'replace'

    def writable(self):
        return True

    def fileno(self):
        raise io.UnsupportedOperation('fileno')

    @property
    def buffer(self):
        return Bytes(self)

    def write(self, text):
        if not fixed.isinstance(text, str):
            raise TypeError('write() argument must be str, not ' + fixed.type(text).__name__)
        if self.size < KEPT_OUTPUT:
            self.parts.append(str.__getitem__(text, slice(0, KEPT_OUTPUT - self.size)))
        self.size += str.__len__(text)
        if self.size > self.limit:
            self.over()
        return str.__len__(text)

    def text(self):
        return ''.join(self.parts)[:KEPT_OUTPUT]


class Bytes(io.RawIOBase):
    def __init__(self, output):
        self.output = output

    def writable(self):
        return True

    def write(self, data):
        return self.output.write(bytes(data).decode('utf-8', 'replace')) and len(data)


class Napping(selectors.BaseSelector):
    """A selector without files: it sleeps. Lets asyncio.run work where there are no sockets."""

    def register(self, fileobj, events, data=None):
        raise OSError('there are no sockets here')

    unregister = modify = register

    def select(self, timeout=None):
        if timeout:
            time.sleep(timeout)
        return []

    def get_map(self):
        return {}

    def close(self):
        pass


class Loop(asyncio.BaseEventLoop):
    def __init__(self):
        super().__init__()
        self._selector = Napping()

    def _process_events(self, events):
        pass

    def _write_to_self(self):
        pass


class Callback:
    """A callable or an iterator of the tests, handed to the program as an argument."""
    __slots__ = ('_number', '_harness')

    def __init__(self, harness, number):
        self._number, self._harness = number, harness

    def __call__(self, *args, **kwargs):
        return self._harness.call_back(self._number, 'call', args, kwargs)

    def __iter__(self):
        return self

    def __next__(self):
        return self._harness.call_back(self._number, 'next', (), {})


def raised_from(answer):
    kind = fixed.getattr(builtins, str(answer.get('type')), None)
    if not (fixed.isinstance(kind, type) and issubclass(kind, Exception)):
        kind = RuntimeError
    error = kind.__new__(kind)
    error.args = (answer.get('message'),)
    return error


class Harness:
    def __init__(self, ask, die):
        self.ask, self.die = ask, die
        self.objects, self.places = [], {}
        self.forbidden = None
        self.space = None
        self.output = None

    # --- requests -----------------------------------------------------------------------------------------------------------

    def handle(self, text):
        """One request in, one answer out; both JSON. Never raises, short of the interpreter's end."""
        depth = fixed.getlimit()
        try:
            request = fixed.json_loads(text)
            answer = self.load(request) if 'program' in request else self.finish() if 'finish' in request else self.operate(request)
        except MemoryError:
            ShortOfMemory.reserve = None
            answer = '{"memory":true}'
        except BaseException as error:
            fixed.setlimit(max(depth, 1000))
            answer = self.tell(error)
        if self.forbidden is not None:
            answer = '{"forbidden":%s,"answer":%s}' % (json.dumps(self.forbidden), answer)
        return answer

    def load(self, request):
        ShortOfMemory.reserve = bytearray(2_000_000)
        random.seed(request['seed'])
        self.output = Output(request['outputBytes'], lambda: self.die('output'))
        sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = self.output
        sys.stdin = sys.__stdin__ = io.StringIO('')
        sys.argv = ['program.py']
        name = '__main__' if request['main'] else 'program'
        module = types.ModuleType(name)
        module.__file__ = FILE
        sys.modules[name] = module
        self.space = module.__dict__
        if sys.platform == 'emscripten':
            self.without_pyodide()
        code = fixed.compile(request['program'], FILE, 'exec', dont_inherit=True)
        import linecache
        linecache.cache[FILE] = (len(request['program']), None, request['program'].splitlines(True), FILE)
        sys.addaudithook(self.audit)
        try:
            fixed.exec(code, self.space)
        except SystemExit as error:
            if not request['main'] or error.code not in (None, 0):
                raise
        return '{"value":null}'

    def without_pyodide(self):
        """CPython as it is elsewhere: pyodide's own event loop and sleep ask JavaScript, and its modules lead there."""
        time.sleep = sys.modules['pyodide.webloop']._orig_sleep
        asyncio.run = asyncio.runners.run
        asyncio._set_running_loop(None)
        asyncio.set_event_loop_policy(Policy())
        for known in list(sys.modules):
            if known.split('.')[0] in OUTSIDE:
                sys.modules.pop(known)

    def finish(self):
        return json.dumps({'output': self.output.text() if self.output else ''})

    def operate(self, request):
        decoder = Decoder(self.resolve)
        arguments = decoder.decode(request['arguments'])
        containers = decoder.kept
        before = [READ[type(value)](value) for value in containers]
        target = self.target(request['on'])
        value = OPERATIONS[request['op']](target, *arguments[0], **arguments[1])
        encoder = Encoder(self.keep, containers)
        fixed.setlimit(max(fixed.getlimit(), 1000))
        changes = []
        for number, container in enumerate(containers):
            now, base = READ[type(container)](container), type(container)
            if not same(now, before[number]):
                changes.append([number, encoder.contents(container, base, 0)])
        result = encoder.encode(value)
        return encoder.text({'value': result, 'changes': changes} if changes else {'value': result})

    # --- objects ------------------------------------------------------------------------------------------------------------

    def target(self, on):
        if type(on) is int:
            return self.objects[on]
        if on in self.space:
            return self.space[on]
        raise NameError("name '%s' is not defined" % on)

    def keep(self, value):
        number = self.places.get(id(value))
        if number is None:
            number = self.places[id(value)] = len(self.objects)
            self.objects.append(value)
        return ['o', number, NAME(fixed.type(value))]

    def resolve(self, node):
        if node[0] == 'o' and type(node[1]) is int:
            return self.objects[node[1]]
        if node[0] == 'n':
            return self.target(node[1])
        if node[0] == 'k':
            return Callback(self, node[1])
        raise NotPlain('malformed')

    def call_back(self, number, op, args, kwargs):
        encoder = Encoder(self.keep)
        answer = fixed.json_loads(self.ask(encoder.text({'on': number, 'op': op, 'arguments': encoder.encode((args, kwargs))})))
        if 'raise' in answer:
            raise raised_from(answer['raise'])
        return Decoder(self.resolve).decode(answer['value'])

    # --- what went wrong ----------------------------------------------------------------------------------------------------

    def tell(self, error):
        kind = fixed.type(error)
        line = None
        try:
            for frame in fixed.extract(error.__traceback__):
                if frame.filename == FILE:
                    line = frame.lineno
            if fixed.isinstance(error, SyntaxError) and error.filename == FILE:
                line = error.lineno
        except BaseException:
            pass
        try:
            message = str.__getitem__(fixed.str(error), slice(0, 500))
        except BaseException:
            message = ''
        names = [NAME(base) for base in mro_of(kind)]
        return json.dumps({'raise': {'type': names[0], 'bases': names, 'message': message, 'line': line}})

    def audit(self, event, args):
        if event == 'import':
            outside = str(args[0]).split('.')[0] in OUTSIDE
        elif event == 'open':
            outside = fixed.type(args[0]) is str and PRIVATE.search(args[0]) is not None
        else:
            outside = event in DENIED
        if outside:
            if self.forbidden is None:
                detail = ' ' + str(args[0])[:80] if event in ('import', 'open') else ''
                self.forbidden = event + detail
            raise PermissionError('forbidden here: ' + event)


def same(now, before):
    """Whether two contents are the same objects; equality is the program's to define, identity is not."""
    if fixed.type(now) is bytes:
        return now == before
    if len(now) != len(before):
        return False
    for a, b in zip(now, before):
        if a is not b and not (fixed.type(a) is tuple and fixed.type(b) is tuple and len(a) == 2 == len(b) and a[0] is b[0] and a[1] is b[1]):
            return False
    return True


class Policy(asyncio.AbstractEventLoopPolicy if sys.version_info < (3, 14) else asyncio.events._AbstractEventLoopPolicy):
    """asyncio without sockets; there is one thread."""
    current = None

    def get_event_loop(self):
        if self.current is None:
            raise RuntimeError('There is no current event loop.')
        return self.current

    def set_event_loop(self, loop):
        self.current = loop

    def new_event_loop(self):
        return Loop()


OPERATIONS = {
    'call': lambda target, *args, **kwargs: target(*args, **kwargs),
    'getattr': lambda target, name: fixed.getattr(target, name),
    'iter': lambda target: fixed.iter(target),
    'next': lambda target: fixed.next(target),
    'len': lambda target: fixed.len(target),
    'item': lambda target, key: target[key],
    'bool': lambda target: fixed.bool(target),
    'str': lambda target: fixed.str(target),
    'await': lambda target: asyncio.run(target),
}
