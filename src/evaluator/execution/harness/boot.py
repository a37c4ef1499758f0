"""The same as boot.mjs for a native python3: two processes, a relay and a worker. Only the relay has the channel and the requests' nonces;
the worker, forked before the first request came, holds one end of a socket on which texts go in and out. The relay cannot be
read by the worker (PR_SET_DUMPABLE).

Arguments: role, folder of this file.
"""
import os
import socket
import sys

role, folder = sys.argv[1:3]
sys.path[:] = [place for place in sys.path if place and os.path.abspath(place) != os.path.abspath(folder)]


def lines(read):
    rest = b''
    while True:
        data = read()
        if not data:
            return
        rest += data
        *whole, rest = rest.split(b'\n')
        yield from whole


def write(descriptor, data):
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view):]


def load(name, space):
    with open(os.path.join(folder, name), encoding='utf-8') as file:
        exec(compile(file.read(), '<harness>', 'exec', dont_inherit=True), space)


def work(descriptor):
    """The worker: harness and program. A line is `kind text`."""
    null = os.open('/dev/null', os.O_RDWR)
    for standard in (0, 1):
        os.dup2(null, standard)
    incoming = lines(lambda: os.read(descriptor, 1 << 16))

    def send(kind, text):
        write(descriptor, ('%s %s\n' % (kind, text)).encode('ascii'))

    def receive():
        for line in incoming:
            return line.decode('ascii')
        os._exit(0)

    def ask(text):
        send('call' if role == 'judge' else 'callback', text)
        return receive()

    def die(what):
        send('died', '"%s"' % what)
        os._exit(9)

    filtered = {'__name__': 'syscalls'}
    load('syscalls.py', filtered)
    filtered['install']()
    space = {'__name__': 'harness'}
    for name in ('wire.py', 'judge.py' if role == 'judge' else 'program.py'):
        load(name, space)
    handle = (lambda text: space['run_tests'](text, ask)) if role == 'judge' else space['Harness'](ask, die).handle
    send('ready', '.'.join(map(str, sys.version_info[:3])))
    while True:
        send('answer', handle(receive()))


def relay(descriptor, worker):
    """Puts the nonce of the request being answered before each of the worker's lines."""
    requests = lines(lambda: os.read(0, 1 << 16))
    answers = lines(lambda: os.read(descriptor, 1 << 16))
    nonce = b''
    while True:
        answer = next(answers, None)
        if answer is None:
            _, status = os.waitpid(worker, 0)
            if os.WIFSIGNALED(status):
                write(1, b'%s signal %d\n' % (nonce, os.WTERMSIG(status)))
                os._exit(1)
            os._exit(os.WEXITSTATUS(status))
        write(1, nonce + b' ' + answer + b'\n')
        line = next(requests, None)
        if line is None:
            os.kill(worker, 9)
            os._exit(0)
        nonce, _, rest = line.partition(b' ')
        write(descriptor, rest.partition(b' ')[2] + b'\n')


def undumpable():
    import ctypes
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)


ours, theirs = socket.socketpair()
child = os.fork()
if child == 0:
    ours.close()
    work(theirs.detach())
else:
    theirs.close()
    undumpable()
    relay(ours.detach(), child)
