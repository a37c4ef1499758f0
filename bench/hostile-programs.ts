/**
 * Programs that do harm, by what they try: the tests run each once, bench/sandbox.ts runs a thousand mixed. Each is bounded by the walls,
 * never by itself, and aims at nothing but its own process, its own files and a listener of the caller's on 127.0.0.1.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { VerdictName } from '../src/contracts/execution.ts';

export interface HostileProgram {
  readonly name: string;
  readonly program: string;
  /** The verdicts that are right, by interpreter: what ends it first may differ with the machine's speed. */
  readonly pyodide: readonly VerdictName[];
  readonly python3: readonly VerdictName[];
}

export interface HostileTarget {
  /** Port of a listener on 127.0.0.1 that counts who comes. */
  readonly port: number;
  /** The calling process. */
  readonly pid: number;
  /** A file that must not be seen. */
  readonly secretFile: string;
  /** A file that must not come to be. */
  readonly markFile: string;
}

/** Interpreters, and whatever runs by a program's uid, that this process started or that nobody owns any more: `pid command`. */
export function interpretersLeft(): string[] {
  const processes = new Map<number, { parent: number; uid: number; command: string }>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      const field = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
      processes.set(Number(name), { parent: field('PPid'), uid: field('Uid'), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 120) });
    } catch {}
  }
  const ours = (pid: number): boolean => pid === process.pid || (processes.has(pid) && ours(processes.get(pid)!.parent));
  return [...processes].filter(([pid, { parent, uid, command }]) => (command.includes('/sandbox/') || (uid >= 62_000 && uid < 64_500)) && (parent === 1 || ours(pid))).map(([pid, { command }]) => `${pid} ${command}`);
}

type Verdicts = VerdictName | readonly VerdictName[];
const one = (name: string, program: string, pyodide: Verdicts, python3: Verdicts = pyodide): HostileProgram => ({
  name, program, pyodide: [pyodide].flat() as VerdictName[], python3: [python3].flat() as VerdictName[],
});

/** Every hostile program; each ends, or is ended, within the limit. */
export function hostilePrograms({ port, pid, secretFile, markFile }: HostileTarget): HostileProgram[] {
  const quote = JSON.stringify;
  return [
    one('infinite loop', 'while True: pass\n', 'timeout'),
    one('infinite loop that catches everything', 'while True:\n    try:\n        while True: pass\n    except BaseException:\n        continue\n', 'timeout'),
    one('sleep', 'import time\ntime.sleep(10**6)\n', 'timeout'),
    one('sleep that ignores signals', 'import signal, time\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nwhile True: time.sleep(1000)\n', 'timeout'),
    one('waits for input', 'import sys\nprint(input())\n', 'error'),
    one('fork bomb', 'import os\nwhile True: os.fork()\n', 'forbidden'),
    one('fork bomb round the audit', 'import ctypes, time\nlibc = ctypes.CDLL(None)\nwhile True:\n    if libc.fork() < 0: time.sleep(0.01)\n', ['error', 'timeout'], ['timeout', 'crashed']),
    one('process bomb', 'import subprocess\nwhile True: subprocess.Popen(["sleep", "1000"])\n', ['forbidden', 'error'], 'forbidden'),
    one('thread bomb', 'import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(1000,)).start()\n', 'error', ['error', 'out-of-memory', 'timeout']),
    one('thread bomb that goes on', 'import threading, time\nwhile True:\n    try: threading.Thread(target=time.sleep, args=(1000,)).start()\n    except RuntimeError: pass\n', 'timeout', ['timeout', 'out-of-memory']),
    one('memory bomb', 'kept = []\nwhile True: kept.append(bytearray(10**7))\n', ['out-of-memory', 'timeout'], 'out-of-memory'),
    one('memory bomb at once', "x = 'a' * (10**11)\n", ['out-of-memory', 'error'], 'out-of-memory'),
    one('memory bomb that doubles', 'x = [0]\nwhile True: x += x\n', 'out-of-memory'),
    one('memory bomb of objects', 'x = None\nwhile True: x = [x, {}]\n', ['out-of-memory', 'timeout', 'crashed']),
    one('1 GB of output', "for _ in range(1000): print('x' * 10**6)\n", 'forbidden'),
    one('output without end', "import sys\nwhile True: sys.stdout.write('x' * 4096)\n", ['forbidden', 'timeout']),
    one('output round sys.stdout', "import os\nwhile True: os.write(1, b'x' * 65536)\n", ['timeout', 'error', 'forbidden'], ['timeout', 'error']),
    one('disk fill', "with open('/tmp/fill', 'wb') as file:\n    while True: file.write(b'x' * 10**6)\n", ['error', 'out-of-memory'], ['error', 'crashed']),
    one('disk fill by many files', "n = 0\nwhile True:\n    n += 1\n    with open(f'/tmp/fill{n}', 'wb') as file: file.write(b'x' * 10**6)\n", ['error', 'out-of-memory'], 'error'),
    one("the parent's environment", `print(open('/proc/${pid}/environ').read())\n`, 'forbidden'),
    one("every process's environment", "import glob\nfor place in glob.glob('/proc/*/environ'): print(open(place, 'rb').read())\nraise SystemExit(1)\n", ['forbidden', 'error']),
    one('the home folder', `import os\nprint(os.listdir(os.path.dirname(${quote(secretFile)})))\n`, 'error'),
    one('a secret file', `print(open(${quote(secretFile)}).read())\n`, ['error', 'forbidden']),
    one('writes outside', `open(${quote(markFile)}, 'w').write('here')\n`, ['error', 'forbidden']),
    one('a connection', `import socket\nsocket.create_connection(('127.0.0.1', ${port}), timeout=2).send(b'hello')\n`, 'forbidden'),
    one('a connection by JavaScript', `from js import require\nrequire('net').connect(${port}, '127.0.0.1')\n`, 'forbidden'),
    one('a connection round the audit', `import ctypes, struct\nlibc = ctypes.CDLL(None)\ns = libc.socket(2, 1, 0)\naddress = struct.pack('<H', 2) + struct.pack('>H', ${port}) + bytes([127, 0, 0, 1]) + bytes(8)\nassert libc.connect(s, address, 16) == 0\nassert libc.send(s, b'hello', 5, 0) == 5\n`, ['error', 'crashed', 'forbidden', 'timeout'], 'error'),
    one('a daemon', 'import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(10**6)\n    os._exit(0)\nos._exit(0)\n', 'forbidden'),
    one('a daemon round the audit', 'import ctypes, time, os\nlibc = ctypes.CDLL(None)\nif libc.fork() == 0:\n    libc.setsid()\n    libc.fork()\n    while True: time.sleep(1000)\nos._exit(0)\n', ['error', 'crashed'], ['crashed', 'timeout']),
    one('leaves its session', 'import os, time\ntry: os.setsid()\nexcept Exception: pass\nwhile True: time.sleep(1000)\n', 'timeout'),
    one('kills its parent', `import os, signal\nos.kill(${pid}, signal.SIGKILL)\n`, ['forbidden', 'error'], 'forbidden'),
    one('kills everything', 'import ctypes, time\nctypes.CDLL(None).kill(-1, 9)\nwhile True: time.sleep(1000)\n', ['error', 'timeout', 'crashed'], ['crashed', 'timeout']),
    one('symlink out', "import os\nos.symlink('/', '/tmp/root')\nprint(os.listdir('/tmp/root/root'))\n", ['forbidden', 'error']),
    one('/proc root of process 1', "import os\nprint(os.listdir('/proc/1/root/root'))\nraise SystemExit(1)\n", ['error', 'forbidden']),
    one('/proc memory', "open('/proc/self/mem', 'r+b').write(b'x')\n", 'forbidden'),
    one('endless recursion', 'def f(n): return f(n + 1)\nf(0)\n', 'error'),
    one('endless recursion without a limit', 'import sys\nsys.setrecursionlimit(10**9)\ndef f(n): return f(n + 1)\nf(0)\n', ['error', 'crashed', 'out-of-memory', 'timeout']),
    one('recursion in C', 'import sys\nsys.setrecursionlimit(10**9)\nx = []\nfor _ in range(10**6): x = [x]\nrepr(x)\n', ['error', 'crashed', 'out-of-memory', 'timeout']),
    one('huge integer', 'x = 10 ** (10 ** 9)\n', ['timeout', 'out-of-memory']),
    one('huge integer as text', 'import sys\nsys.set_int_max_str_digits(0)\nstr(7 ** 5_000_000)\n', ['timeout', 'out-of-memory', 'passed']),
    one('regular expression blow-up', "import re\nre.match(r'(a+)+$', 'a' * 64 + 'b')\n", 'timeout'),
    one('interpreter abort', 'import os\nos.abort()\n', 'crashed'),
    // WebAssembly's memory begins at 0, and reading it is no fault.
    one('segmentation fault', 'import ctypes\nctypes.string_at(0)\n', ['error', 'crashed', 'passed'], 'crashed'),
    one('exit behind the harness', 'import os\nos._exit(0)\n', 'crashed'),
    one('exit', 'raise SystemExit(7)\n', 'error'),
    one('breaks the interpreter', 'import sys, builtins\nfor name in list(vars(builtins)):\n    try: delattr(builtins, name)\n    except BaseException: pass\nsys.modules.clear()\nraise Exception\n', ['error', 'crashed', 'forbidden']),
    one('garbage collector tricks', 'import gc\nfor thing in gc.get_objects():\n    try: thing.clear()\n    except BaseException: pass\nraise ValueError(1)\n', ['error', 'crashed', 'forbidden', 'timeout', 'out-of-memory']),
    one('compiler bomb', "compile('(' * 90 + ')' * 90, 'x', 'eval')\nexec('x = ' + '-' * 10**6 + '1')\n", ['error', 'crashed', 'out-of-memory']),
    one('an exception that fights back', 'class E(Exception):\n    def __str__(self): raise E()\n    __repr__ = __str__\nraise E()\n', 'error'),
    one('a finaliser that never ends', 'class D:\n    def __del__(self):\n        while True: pass\nd = D()\ndel d\n', 'timeout'),
  ];
}
