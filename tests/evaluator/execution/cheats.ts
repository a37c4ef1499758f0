/**
 * Programs that would rather be judged right than be right. Each is a wrong answer to the same problem (the two smallest distinct items, in
 * order) and none may pass. `problem` is the trusted side.
 */
export const problem = {
  prompt: 'def solve(items):\n    """The two smallest distinct items, in order."""\n',
  script: `
def check(candidate):
    assert candidate([3, 1, 2]) == [1, 2]
    assert candidate([5, 5, 4]) == [4, 5]
    assert abs(sum(candidate([9, 7, 8])) - 15) < 1e-6
    assert len(candidate([1, 2])) == 2
    assert candidate([2, 1]).index(2) == 1
    assert tuple(candidate([2, 1])) == (1, 2)
`,
  right: 'def solve(items):\n    return sorted(set(items))[:2]\n',
} as const;

const always = (members: string): string => `class Always:\n${members.split('\n').map((line) => `    ${line}`).join('\n')}\n\ndef solve(items):\n    return Always()\n`;

export const cheats: Readonly<Record<string, string>> = {
  'equal to everything': always('def __eq__(self, other): return True\ndef __ne__(self, other): return False\n__hash__ = None'),
  'equal to everything, a list': 'class L(list):\n    def __eq__(self, other): return True\n    def __len__(self): return 2\n    def __sub__(self, other): return 0\n\ndef solve(items):\n    return L()\n',
  'equal to everything, a tuple': 'class T(tuple):\n    __eq__ = lambda self, other: True\n    __hash__ = tuple.__hash__\n\ndef solve(items):\n    return T()\n',
  'equal to everything, an integer': 'class I(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\n\ndef solve(items):\n    return I(1)\n',
  'items equal to everything': 'class I(int):\n    def __eq__(self, other): return True\n    def __radd__(self, other): return self\n    def __sub__(self, other): return 0\n    def __abs__(self): return 0\n    __hash__ = int.__hash__\n\ndef solve(items):\n    return [I(0), I(0)]\n',
  'every operator at once': always('def __eq__(self, other): return True\ndef __lt__(self, other): return True\ndef __sub__(self, other): return 0\ndef __rsub__(self, other): return 0\ndef __abs__(self): return 0\ndef __len__(self): return 2\ndef __iter__(self): return iter((1, 2))\ndef __contains__(self, item): return True\ndef __bool__(self): return True\ndef index(self, item): return 1'),
  'every attribute': always('def __getattr__(self, name): return lambda *a, **k: self\ndef __eq__(self, other): return True\ndef __iter__(self): return iter([self, self])\ndef __radd__(self, other): return 15\ndef __len__(self): return 2'),
  'a metaclass that agrees': 'class M(type):\n    def __eq__(cls, other): return True\n    def __instancecheck__(cls, other): return True\n    __hash__ = type.__hash__\nclass Always(metaclass=M): pass\n\ndef solve(items):\n    return Always\n',
  'claims to be a list': 'class L:\n    __class__ = list\n    def __eq__(self, other): return True\n\ndef solve(items):\n    return L()\n',
  'changes its input into what it is compared with': 'class E(list):\n    def __eq__(self, other): return True\n\ndef solve(items):\n    items[:] = [E(), E()]\n    return items\n',
  'exits with 0 while it is loaded': 'import sys\nsys.exit(0)\n',
  'exits with 0 when it is called': 'def solve(items):\n    raise SystemExit(0)\n',
  'leaves at once when it is called': 'import os\ndef solve(items):\n    os._exit(0)\n',
  'leaves in a finaliser': 'import os\nclass D:\n    def __del__(self): os._exit(0)\n\ndef solve(items):\n    D()\n    return []\n',
  'at exit': 'import atexit, os\natexit.register(lambda: (print("passed"), os._exit(0)))\n\ndef solve(items):\n    return []\n',
  'prints a verdict': 'print("passed"); print(\'{"verdict": "passed", "assertions": 6}\')\n\ndef solve(items):\n    print(\'{"verdict": "passed"}\', flush=True)\n    return []\n',
  'patches builtins': 'import builtins\nbuiltins.AssertionError = type("AssertionError", (Exception,), {})\nbuiltins.abs = lambda x: 0\nbuiltins.sum = lambda x: 15\nbuiltins.len = lambda x: 2\nbuiltins.tuple = lambda x: (1, 2)\n\ndef solve(items):\n    return []\n',
  'patches the type of lists': 'import ctypes\nlist_eq = lambda a, b: True\ntry:\n    import gc\n    gc.get_referents(list.__dict__)[0]["__eq__"] = list_eq\nexcept Exception: pass\n\ndef solve(items):\n    return []\n',
  'overwrites the test function': 'import sys\n\ndef check(candidate): pass\nfor module in list(sys.modules.values()):\n    try: module.check = check\n    except Exception: pass\n\ndef solve(items):\n    import gc\n    for thing in gc.get_objects():\n        if isinstance(thing, dict) and "check" in thing:\n            try: thing["check"] = check\n            except Exception: pass\n    return []\n',
  'reads what is expected off the stack': 'import sys\n\ndef solve(items):\n    frame = sys._getframe()\n    found = []\n    while frame:\n        for name, value in list(frame.f_locals.items()) + list(frame.f_globals.items()):\n            if name in ("__right__", "expected", "wanted"): return value\n            found.append(name)\n        frame = frame.f_back\n    return []\n',
  'reads what is expected off the heap': 'import gc\n\ndef solve(items):\n    for thing in gc.get_objects():\n        if type(thing) is list and len(thing) == 2 and thing == sorted(thing) and set(map(type, thing)) == {int} and set(thing) <= set(items):\n            return thing\n    return []\n',
  'reads the constants of the tests': 'import gc, types\n\ndef solve(items):\n    for thing in gc.get_objects():\n        if isinstance(thing, types.FunctionType) and thing.__name__ == "check":\n            return [c for c in thing.__code__.co_consts if isinstance(c, int)][:2]\n    return []\n',
  'a trace that rewrites what is returned': 'import sys\n\ndef trace(frame, event, arg):\n    frame.f_trace_lines = False\n    if "held" in frame.f_locals: frame.f_locals["held"][0] = 6\n    return trace\nsys.settrace(trace)\n\ndef solve(items):\n    return []\n',
  'writes a verdict into every descriptor': 'import os\nfor fd in range(1, 64):\n    try: os.write(fd, b"answer {\\"verdict\\":\\"passed\\",\\"assertions\\":6}\\n")\n    except OSError: pass\n\ndef solve(items):\n    return []\n',
  'writes a verdict with every nonce it can find': 'import os, gc, re, sys\n\ndef solve(items):\n    seen = {w for t in gc.get_objects() if isinstance(t, dict) for v in list(t.values()) if isinstance(v, (str, bytes)) for w in re.findall("[0-9a-f]{24}", v if isinstance(v, str) else v.decode("latin1"))}\n    for nonce in list(seen) + [""]:\n        for fd in range(1, 16):\n            try: os.write(fd, (nonce + \' answer {"verdict":"passed","assertions":6}\\n\').encode())\n            except OSError: pass\n    return []\n',
  'answers in the harness\'s place': 'import gc\nfor thing in gc.get_objects():\n    if type(thing).__name__ == "Harness":\n        type(thing).handle = lambda self, text: \'{"verdict":"passed","assertions":6}\'\n        type(thing).operate = lambda self, request: \'{"verdict":"passed","assertions":6,"value":["e"]}\'\n\ndef solve(items):\n    return []\n',
  'answers with more than an answer': 'import gc\nfor thing in gc.get_objects():\n    if type(thing).__name__ == "Harness":\n        type(thing).operate = lambda self, request: \'{"value":["l",[]]}\\nanswer {"verdict":"passed"}\'\n\ndef solve(items):\n    return []\n',
  'answers with what decodes into more than data': 'import gc\nfor thing in gc.get_objects():\n    if type(thing).__name__ == "Harness":\n        type(thing).operate = lambda self, request: \'{"value":["m","__import__",["os"]],"changes":[[0,["l",[1,2]]]]}\'\n\ndef solve(items):\n    return []\n',
  'changes the arguments of the tests through the channel': 'import gc\nfor thing in gc.get_objects():\n    if type(thing).__name__ == "Harness":\n        type(thing).operate = lambda self, request: \'{"value":["r",0],"changes":[[0,["l",[["r",0]]]]]}\'\n\ndef solve(items):\n    return []\n',
  'sends a callback that nobody asked for': 'import gc\n\ndef solve(items):\n    for thing in gc.get_objects():\n        if type(thing).__name__ == "Harness":\n            return thing.ask(\'{"on":0,"op":"call","arguments":["t",[["t",[]],["d",[]]]]}\')\n    return []\n',
  'raises what a test might catch': 'def solve(items):\n    raise AssertionError\n',
  'raises a failure that looks like success': 'class AssertionDidNotHold(BaseException): pass\n\ndef solve(items):\n    raise AssertionDidNotHold({"verdict": "passed"})\n',
  'patches json': 'import json\njson.dumps = lambda *a, **k: \'{"verdict":"passed","assertions":6}\'\njson.loads = lambda *a, **k: {"verdict": "passed"}\n\ndef solve(items):\n    return []\n',
  'replaces the modules of the harness': 'import sys, types\nfor name in ("harness", "judge", "wire", "tests", "__main__"):\n    sys.modules[name] = types.ModuleType(name)\n    sys.modules[name].run_tests = lambda *a: \'{"verdict":"passed"}\'\n\ndef solve(items):\n    return []\n',
  'an import hook': 'import sys\nclass Finder:\n    def find_spec(self, *a): raise SystemExit(0)\nsys.meta_path.insert(0, Finder())\n\ndef solve(items):\n    return []\n',
  'a signal that ends it well': 'import signal, os\ndef solve(items):\n    try:\n        signal.signal(signal.SIGALRM, lambda *a: os._exit(0))\n        signal.alarm(1)\n    except Exception: pass\n    return []\n',
  'a thread or a callback that ends it well': 'import threading, os\ntry: threading.Timer(0.01, lambda: os._exit(0)).start()\nexcept RuntimeError: pass\n\ndef solve(items):\n    return []\n',
  'never answers': 'def solve(items):\n    while True: pass\n',
  'answers with a generator of anything': 'def solve(items):\n    while True: yield 1\n',
  'a body of pass': 'def solve(items):\n    pass\n',
  'no function at all': 'x = 1\n',
};
