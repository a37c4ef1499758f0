/**
 * A ranking that readability has to agree with: pairs of programs that do the same, the better one first, each with the reason. Most
 * differ in one thing. They were written down without looking at any score.
 */
export interface Pair {
  readonly reason: string;
  readonly better: string;
  readonly worse: string;
}

const lines = (...all: readonly string[]): string => `${all.join('\n')}\n`;

export const PAIRS: readonly Pair[] = [
  {
    reason: 'telling names against single letters',
    better: lines('def average(values):', '    total = sum(values)', '    return total / len(values)'),
    worse: lines('def a(v):', '    t = sum(v)', '    return t / len(v)'),
  },
  {
    reason: 'telling names against placeholders',
    better: lines('def parse(line):', '    key, value = line.split("=")', '    return key, value'),
    worse: lines('def foo(bar):', '    baz, qux = bar.split("=")', '    return baz, qux'),
  },
  {
    reason: 'telling names against numbered ones',
    better: lines('def merge(first, second):', '    result = dict(first)', '    result.update(second)', '    return result'),
    worse: lines('def merge(d1, d2):', '    d3 = dict(d1)', '    d3.update(d2)', '    return d3'),
  },
  {
    reason: 'names as PEP 8 has them',
    better: lines('def read_lines(path):', '    with open(path) as handle:', '        return handle.readlines()'),
    worse: lines('def ReadLines(Path):', '    with open(Path) as Handle:', '        return Handle.readlines()'),
  },
  {
    reason: 'a docstring against none',
    better: lines('def area(radius):', '    """Area of a circle of this radius."""', '    return 3.14 * radius * radius'),
    worse: lines('def area(radius):', '    return 3.14 * radius * radius'),
  },
  {
    reason: 'documented methods against bare ones',
    better: lines('class Stack:', '    """Last in, first out."""', '', '    def push(self, item):', '        """Puts an item on top."""', '        self.items.append(item)'),
    worse: lines('class Stack:', '    def push(self, item):', '        self.items.append(item)'),
  },
  {
    reason: 'annotations against none',
    better: lines('def scale(values: list[float], factor: float) -> list[float]:', '    return [value * factor for value in values]'),
    worse: lines('def scale(values, factor):', '    return [value * factor for value in values]'),
  },
  {
    reason: 'an early return against nesting',
    better: lines('def check(user, items):', '    if not user:', '        return None', '    if not items:', '        return None', '    for item in items:', '        if item.owner == user:', '            return item', '    return None'),
    worse: lines('def check(user, items):', '    if user:', '        if items:', '            for item in items:', '                if item.owner:', '                    if item.owner == user:', '                        return item', '    return None'),
  },
  {
    reason: 'conditions joined against an arrow of ifs',
    better: lines('def allowed(user, door, hour):', '    return user.active and door.open and 8 <= hour < 18'),
    worse: lines('def allowed(user, door, hour):', '    if user.active:', '        if door.open:', '            if hour >= 8:', '                if hour < 18:', '                    return True', '    return False'),
  },
  {
    reason: 'a table against a chain of branches',
    better: lines('DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]', '', '', 'def days(month):', '    return DAYS[month - 1]'),
    worse: lines('def days(month):', ...[31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].flatMap((days, i) => [`    ${i === 0 ? 'if' : 'elif'} month == ${i + 1}:`, `        return ${days}`])),
  },
  {
    reason: 'a loop against repeated statements',
    better: lines('def reset(board):', '    for cell in board.cells:', '        cell.clear()'),
    worse: lines('def reset(board):', '    board.next().clear()', '    board.next().clear()', '    board.next().clear()', '    board.next().clear()', '    board.next().clear()'),
  },
  {
    reason: 'the formatter\'s layout against cramped operators',
    better: lines('def distance(left, right):', '    dx = left.x - right.x', '    dy = left.y - right.y', '    return (dx * dx + dy * dy) ** 0.5'),
    worse: lines('def distance( left,right ):', '    dx=left.x-right.x', '    dy=left.y-right.y', '    return (dx*dx+dy*dy)**0.5'),
  },
  {
    reason: 'four spaces against one',
    better: lines('def count(words):', '    seen = {}', '    for word in words:', '        seen[word] = seen.get(word, 0) + 1', '    return seen'),
    worse: lines('def count(words):', ' seen = {}', ' for word in words:', '  seen[word] = seen.get(word, 0) + 1', ' return seen'),
  },
  {
    reason: 'statements on lines of their own against semicolons',
    better: lines('def swap(pair):', '    first = pair[0]', '    second = pair[1]', '    return second, first'),
    worse: lines('def swap(pair):', '    first = pair[0]; second = pair[1]; return second, first'),
  },
  {
    reason: 'bodies on lines of their own',
    better: lines('def sign(number):', '    if number > 0:', '        return 1', '    if number < 0:', '        return -1', '    return 0'),
    worse: lines('def sign(number):', '    if number > 0: return 1', '    if number < 0: return -1', '    return 0'),
  },
  {
    reason: 'short lines against one that runs on',
    better: lines('def label(user):', '    name = f"{user.first_name} {user.last_name}"', '    place = f"{user.city}, {user.country}"', '    return f"{name} ({place})"'),
    worse: lines('def label(user):', '    return user.first_name + " " + user.last_name + " (" + user.city + ", " + user.country + ")" + "" + "" + "" + "" + "" + ""'),
  },
  {
    reason: 'no unused variable',
    better: lines('def first(items):', '    return items[0]'),
    worse: lines('def first(items):', '    length = len(items)', '    return items[0]'),
  },
  {
    reason: 'no unused import',
    better: lines('import os', '', '', 'def home():', '    return os.environ["HOME"]'),
    worse: lines('import os', 'import sys', 'import json', '', '', 'def home():', '    return os.environ["HOME"]'),
  },
  {
    reason: 'no code after return',
    better: lines('def load(path):', '    data = path.read()', '    return data'),
    worse: lines('def load(path):', '    data = path.read()', '    return data', '    path.close()', '    print("closed")'),
  },
  {
    reason: 'no branch that never runs',
    better: lines('def greet(name):', '    return "Hello, " + name'),
    worse: lines('def greet(name):', '    if False:', '        name = name.upper()', '    return "Hello, " + name'),
  },
  {
    reason: 'a named exception against a bare except',
    better: lines('def number(text):', '    try:', '        return int(text)', '    except ValueError:', '        return None'),
    worse: lines('def number(text):', '    try:', '        return int(text)', '    except:', '        return None'),
  },
  {
    reason: 'is None against == None',
    better: lines('def known(value):', '    return value is not None'),
    worse: lines('def known(value):', '    return value != None'),
  },
  {
    reason: 'no mutable default',
    better: lines('def collect(item, into=None):', '    into = into or []', '    into.append(item)', '    return into'),
    worse: lines('def collect(item, into=[]):', '    into = into or []', '    into.append(item)', '    return into'),
  },
  {
    reason: 'a comprehension against a call of list around one',
    better: lines('def squares(numbers):', '    return [number * number for number in numbers]'),
    worse: lines('def squares(numbers):', '    return list([number * number for number in numbers])'),
  },
  {
    reason: 'no else after return',
    better: lines('def absolute(number):', '    if number < 0:', '        return -number', '    return number'),
    worse: lines('def absolute(number):', '    if number < 0:', '        return -number', '    else:', '        return number'),
  },
  {
    reason: 'a def against a lambda with a name',
    better: lines('def double(number):', '    return 2 * number'),
    worse: lines('double = lambda number: 2 * number'),
  },
  {
    reason: 'one function of a screen against one of four screens',
    better: lines('def report(rows):', ...Array.from({ length: 20 }, (_, i) => `    rows.append(make_row_${i}(rows))`), '    return rows'),
    worse: lines('def report(rows):', ...Array.from({ length: 160 }, (_, i) => `    rows.append(make_row_${i}(rows))`), '    return rows'),
  },
  {
    reason: 'parts with names against one long decision',
    better: lines(
      'def is_weekend(day):', '    return day in ("saturday", "sunday")', '', '', 'def price(day, age):', '    base = 12 if is_weekend(day) else 9', '    if age < 6:', '        return 0', '    return base / 2 if age < 14 else base',
    ),
    worse: lines(
      'def price(day, age):', '    if day == "saturday":', '        if age < 6:', '            return 0', '        elif age < 14:', '            return 6', '        else:', '            return 12',
      '    elif day == "sunday":', '        if age < 6:', '            return 0', '        elif age < 14:', '            return 6', '        else:', '            return 12',
      '    else:', '        if age < 6:', '            return 0', '        elif age < 14:', '            return 4.5', '        else:', '            return 9',
    ),
  },
  {
    reason: 'no needless pass',
    better: lines('class Empty:', '    """Nothing yet."""', '', '    size = 0'),
    worse: lines('class Empty:', '    """Nothing yet."""', '', '    size = 0', '    pass'),
  },
  {
    reason: 'a loop variable that is used',
    better: lines('def total(orders):', '    amount = 0', '    for order in orders:', '        amount += order.price', '    return amount'),
    worse: lines('def total(orders):', '    amount = 0', '    for index, order in enumerate(orders):', '        amount += order.price', '    return amount'),
  },
  {
    reason: 'membership against a chain of comparisons, one of them doubled',
    better: lines('def is_vowel(letter):', '    return letter in "aeiou"'),
    worse: lines(
      'def is_vowel(letter):', '    if letter == "a":', '        return True', '    if letter == "e":', '        return True', '    if letter == "i":', '        return True', '    if letter == "o":', '        return True', '    if letter == "u":',
      '        return True', '    return False',
    ),
  },
  {
    reason: 'blank lines where PEP 8 has them',
    better: lines('import math', '', '', 'def area(radius):', '    return math.pi * radius**2', '', '', 'def edge(radius):', '    return 2 * math.pi * radius'),
    worse: lines('import math', 'def area(radius):', '', '', '    return math.pi * radius**2', 'def edge(radius):', '', '    return 2 * math.pi * radius'),
  },
  {
    reason: 'everything at once: documented, annotated and flat against dense and nameless',
    better: lines(
      'def primes(limit: int) -> list[int]:', '    """Prime numbers below the limit, by the sieve of Eratosthenes."""', '    composite = [False] * limit', '    found = []', '    for candidate in range(2, limit):', '        if composite[candidate]:', '            continue',
      '        found.append(candidate)', '        for multiple in range(candidate * candidate, limit, candidate):', '            composite[multiple] = True', '    return found',
    ),
    worse: lines('def p(l):', '  c=[False]*l;r=[]', '  for a in range(2,l):', '    if c[a]==False:', '      r.append(a)', '      for b in range(a*a,l,a): c[b]=True', '  return r'),
  },
  {
    reason: 'a name for each step against one expression four deep',
    better: lines('def slug(title):', '    words = title.lower().split()', '    return "-".join(words)'),
    worse: lines('def slug(t):', '    return "-".join([w for w in [x.strip() for x in [y.lower() for y in t.split(" ")]] if w != "" and w != " " and not w == None])'),
  },
];
