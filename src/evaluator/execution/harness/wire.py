"""Plain data between two interpreters: what a value may be on its way from the program to the tests and back.

A closed set of exact types goes over, by content; nothing that has code of its own does. An instance of a subclass of a built-in
type goes over as the built-in it is made of, so its own __eq__ stays behind. Any other object stays where it is and a number goes
over instead (`handle`). Mutable containers are numbered in the order in which they are met, on both sides alike, so that shared
and cyclic structures arrive as they left, and a change made to an argument can be made to the original too.

Not here: who sends what when. This file is loaded into the interpreter of the program and into that of the tests.
"""
import collections
import datetime
import decimal
import fractions
import json

DEEPEST = 180


class NotPlain(Exception):
    """The value, or the message, is not plain data."""


def mro_of(kind):
    return type.__dict__['__mro__'].__get__(kind)


# The content of a value, read by the built-in's own methods whatever a subclass says.
READ = {
    int: lambda v: int.__add__(v, 0),
    float: lambda v: float.__mul__(v, 1.0),
    complex: lambda v: complex.__mul__(v, 1.0) if type(v) is not complex else v,
    str: str.__str__,
    bytes: lambda v: bytes.__getitem__(v, slice(None)),
    bytearray: lambda v: bytes(bytearray.__getitem__(v, slice(None))),
    tuple: lambda v: tuple.__getitem__(v, slice(None)),
    list: lambda v: list.__getitem__(v, slice(None)),
    set: lambda v: list(set.__iter__(v)),
    frozenset: lambda v: list(frozenset.__iter__(v)),
    dict: lambda v: list(dict.items(v)),
    collections.deque: lambda v: list(collections.deque.__iter__(v)),
}
MUTABLE = (list, dict, set, bytearray, collections.deque)


def base_of(value):
    """The built-in type whose content `value` has, or None."""
    kind = type(value)
    if kind in READ:
        return kind
    for base in mro_of(kind):
        if base in READ:
            return base
    return None


def in_order(items):
    """A set's items in an order that no hash seed decides: equal answers are equal texts."""
    return sorted(items, key=repr) if len(items) > 1 else items


class Encoder:
    """Turns values into JSON-able trees. `known`: containers that the other side has, by number. `handle(value)`: a number for an
    object that stays here, or NotPlain."""

    def __init__(self, handle, known=()):
        self.handle = handle
        self.kept = list(known)
        self.numbers = {id(value): number for number, value in enumerate(self.kept)}
        self.open = set()

    def encode(self, value, depth=0):
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return value if -(1 << 60) < value < (1 << 60) else ['i', hex(value)]
        if kind is float:
            return value
        if depth > DEEPEST:
            raise NotPlain('nested deeper than %d' % DEEPEST)
        base = kind if kind in READ else base_of(value)
        if base is None:
            return self.other(value, kind)
        if base in MUTABLE:
            number = self.numbers.get(id(value))
            if number is not None:
                return ['r', number]
            self.numbers[id(value)] = len(self.kept)
            self.kept.append(value)
            return self.contents(value, base, depth)
        if base is tuple or base is frozenset:
            if id(value) in self.open:
                raise NotPlain('a tuple that contains itself')
            self.open.add(id(value))
            items = [self.encode(item, depth + 1) for item in READ[base](value)]
            self.open.discard(id(value))
            return ['t', items] if base is tuple else ['f', in_order(items)]
        if base is int or base is float or base is str:
            return self.encode(READ[base](value), depth)
        if base is complex:
            number = READ[complex](value)
            return ['c', number.real, number.imag]
        return ['b', READ[bytes](value).hex()]

    def contents(self, value, base, depth):
        if base is list:
            return ['l', [self.encode(item, depth + 1) for item in READ[list](value)]]
        if base is dict:
            return ['d', [[self.encode(key, depth + 1), self.encode(item, depth + 1)] for key, item in READ[dict](value)]]
        if base is set:
            return ['s', in_order([self.encode(item, depth + 1) for item in READ[set](value)])]
        if base is bytearray:
            return ['a', READ[bytearray](value).hex()]
        return ['q', [self.encode(item, depth + 1) for item in READ[collections.deque](value)], value.maxlen]

    def other(self, value, kind):
        if kind is range:
            return ['x', [self.encode(part) for part in (value.start, value.stop, value.step)]]
        if kind is slice:
            return ['y', [self.encode(part) for part in (value.start, value.stop, value.step)]]
        if kind is decimal.Decimal:
            return ['m', 'Decimal', str(value)]
        if kind is fractions.Fraction:
            return ['m', 'Fraction', '%d/%d' % (value.numerator, value.denominator)]
        if kind in (datetime.date, datetime.datetime, datetime.time) and getattr(value, 'tzinfo', None) is None:
            return ['m', kind.__name__, value.isoformat()]
        if kind is datetime.timedelta:
            return ['m', 'timedelta', [value.days, value.seconds, value.microseconds]]
        if value is Ellipsis:
            return ['e']
        return self.handle(value)

    def text(self, value):
        return json.dumps(value, ensure_ascii=True, separators=(',', ':'), check_circular=False)


MADE = {
    'Decimal': decimal.Decimal, 'Fraction': fractions.Fraction, 'date': datetime.date.fromisoformat,
    'datetime': datetime.datetime.fromisoformat, 'time': datetime.time.fromisoformat, 'timedelta': lambda parts: datetime.timedelta(*parts),
}


class Decoder:
    """The way back. Every shape that Encoder does not write raises NotPlain. `resolve(node)`: the object that a handle stands for."""

    def __init__(self, resolve, known=()):
        self.resolve = resolve
        self.kept = list(known)

    def decode(self, node):
        if node is None or type(node) in (bool, int, float, str):
            return node
        if type(node) is not list or not node:
            raise NotPlain('malformed')
        tag = node[0]
        try:
            if tag == 'r':
                return self.kept[self.index(node[1])]
            if tag in EMPTY:
                made = EMPTY[tag](*node[2:])
                self.kept.append(made)
                self.fill(made, node)
                return made
            if tag == 't':
                return tuple([self.decode(item) for item in node[1]])
            if tag == 'f':
                return frozenset([self.decode(item) for item in node[1]])
            if tag == 'i':
                return int(node[1], 16)
            if tag == 'c':
                return complex(node[1], node[2])
            if tag == 'b':
                return bytes.fromhex(node[1])
            if tag == 'x':
                return range(*[self.decode(part) for part in node[1]])
            if tag == 'y':
                return slice(*[self.decode(part) for part in node[1]])
            if tag == 'm':
                return MADE[node[1]](node[2])
            if tag == 'e':
                return Ellipsis
            return self.resolve(node)
        except NotPlain:
            raise
        except (TypeError, ValueError, KeyError, IndexError, OverflowError, ArithmeticError, AttributeError) as error:
            raise NotPlain('malformed: %s' % type(error).__name__) from None

    def index(self, number):
        if type(number) is not int or not 0 <= number < len(self.kept):
            raise NotPlain('malformed')
        return number

    def fill(self, made, node):
        """Gives a container the contents that `node` describes, in place."""
        tag = node[0]
        if EMPTY.get(tag) is not type(made) and not (tag == 'q' and type(made) is collections.deque):
            raise NotPlain('malformed')
        if tag == 'l':
            made[:] = [self.decode(item) for item in node[1]]
        elif tag == 'd':
            items = [(self.decode(key), self.decode(item)) for key, item in node[1]]
            made.clear()
            made.update(items)
        elif tag == 's':
            items = [self.decode(item) for item in node[1]]
            made.clear()
            made.update(items)
        elif tag == 'a':
            made[:] = bytes.fromhex(node[1])
        else:
            items = [self.decode(item) for item in node[1]]
            made.clear()
            made.extend(items)


EMPTY = {'l': list, 'd': dict, 's': set, 'a': bytearray, 'q': lambda maxlen=None: collections.deque((), maxlen)}
