/**
 * What may follow a text: nothing at all, only what goes on with its last word, number or operator, or anything (`Beginning`), asked of CPython's own parser and, where grammar alone
 * would let it pass, of the lines above. A Python program that runs inside the interpreter, behind scan.ts. Every prefix of a program that compiles can begin one; what cannot is
 * not always recognised.
 */
export const BEGINNINGS_PROGRAM = String.raw`
OPERATORS = ['**=', '//=', '>>=', '<<=', '...', '!=', '->', ':=', '==', '<=', '>=', '**', '//', '<<', '>>', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '@=']

# A comment, or a whole string.
CLOSED = r"""\#[^\r\n]*|\"\"\"(?:[^"\\]|\\.|"(?!""))*\"\"\"|\'\'\'(?:[^'\\]|\\.|'(?!''))*\'\'\'|"(?!"")(?:[^"\\\r\n]|\\.)*"|'(?!'')(?:[^'\\\r\n]|\\.)*'"""
OUTSIDE = re.compile(r"""(?:[^'"\#]+|""" + CLOSED + r""")*""", re.DOTALL)
PIECE = re.compile(r"""(?P<formatted>""" + FORMATTED.pattern + r""")|""" + CLOSED + r"""|(?P<open>['"])|.[^'"\#frt]*""", re.DOTALL | re.IGNORECASE)
PREFIX = re.compile(r'[A-Za-z]*\Z')
LINE_BEGUN = re.compile(r'(?:\n|\r)[ \t]*\Z')
# Statements begin with a name, or go on as one of these do.
STARTERS = ['name_', 'def', 'class', '@', 'except', 'finally', 'else', 'elif', 'case']
INDENTS = re.compile(r'^[ \t]*(?=[^ \t\r\n])', re.MULTILINE)

# What may become a number: its digits, or a whole one and the first letters of a keyword, which may follow it directly.
DIGITS = '[0-9](?:_?[0-9])*'
WHOLE = rf'(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:(?:{DIGITS})?\.{DIGITS}|{DIGITS}\.?)(?:[eE][+-]?{DIGITS})?[jJ]?)'
AFTER_NUMBERS = '|'.join(sorted({word[:i] for word in ('and', 'else', 'for', 'if', 'in', 'is', 'not', 'or') for i in range(1, len(word) + 1)}, key=len, reverse=True))
NUMBER_BEGUN = re.compile(rf'(?:0[xX](?:_?[0-9a-fA-F])*_?|0[oO](?:_?[0-7])*_?|0[bB](?:_?[01])*_?|{DIGITS}_|(?:{DIGITS})?\.(?:{DIGITS}_?)?|(?:(?:{DIGITS})?\.{DIGITS}|{DIGITS}\.?)[eE][+-]?(?:{DIGITS}_?)?|{WHOLE}(?:{AFTER_NUMBERS})?)')

def begins(text):
    # Whether anything but a comment can be written right behind the last character so that all of it can be parsed: anything at all (SOUND),
    # or only what goes on with the last word, number or operator (UNFINISHED). In doubt it is sound.
    if FORMATTED.search(text):
        text, answer = without_formatted(text)
        if answer is not None:
            return answer
    opened = OUTSIDE.match(text).end()
    if opened < len(text):
        return SOUND if open_string(text, opened) else BROKEN
    if text.endswith('\\'):
        return SOUND
    if LINE_BEGUN.search(text):
        return SOUND if line_begins(text) else BROKEN
    if completable(text + ' \\\n'):
        return meant(text)
    tokens = scan(text)
    if not tokens:
        return SOUND
    start, end, kind = tokens[-1]
    return UNFINISHED if end == len(text) and goes_on(text[:start], text[start:], kind) else BROKEN

def without_formatted(text):
    # The text with an empty string in the place of every f-string, and None; or what an f-string that is open or wrong says of the whole.
    parts, at = [], 0
    while at < len(text):
        match = PIECE.match(text, at)
        if match['open']:
            # Some other string is open to the end.
            return ''.join(parts) + text[at:], None
        if not match['formatted']:
            parts.append(match[0])
            at = match.end()
            continue
        end, answer = formatted(text, match.end())
        if answer is not None:
            return text, (begins(answer) if isinstance(answer, str) else answer) if completable(''.join(parts) + "'' \\\n") else BROKEN
        parts.append("''")
        at = end
    return ''.join(parts), None

def goes_on(before, word, kind):
    # Whether the last word, number or operator, which cannot stand there, is the beginning of one that can.
    if kind == 'name':
        if any(completable(before + other + ' \\\n') for other in [word + '_'] + [one for one in keyword.kwlist + keyword.softkwlist if one.startswith(word)]):
            return True
        return word.lower() in STRING_PREFIXES and completable(before + "'' \\\n")
    if kind == 'number':
        return NUMBER_BEGUN.fullmatch(word) is not None and any(completable(before + other + ' \\\n') for other in ('1', '1j'))
    return any(other.startswith(word) and completable(before + other + ' \\\n') for other in OPERATORS) or word == '.' and completable(before + '.5 \\\n')

PARAMETERS = re.compile(r'^[ \t]*(?:async[ \t]+)?def[ \t]+\w+[ \t]*\(([^()\[\]{}]*)\Z', re.MULTILINE)
PARAMETER = re.compile(r'\s*(?:\*\*?\s*)?(\w+)')
PLACED_WORDS = ('await', 'break', 'continue')
PLACED = re.compile(rf'^([ \t]*)(?:[^\s#][^\n#]*[^\w.\n#])?({"|".join(PLACED_WORDS)})\Z', re.MULTILINE)
LOOP = re.compile(r'[ \t]*(?:while|(?:async[ \t]+)?for)\b')
HEADER = re.compile(r'([ \t]*)(while\b|(?:async[ \t]+)?for\b|(?:async[ \t]+)?def[ \t]+\w+[ \t]*[([]|class[ \t]+\w+[ \t]*[:([])')

def meant(text):
    # Of a beginning that can be parsed: whether what it ends with can be meant, as far as a look at the lines above says. The compiler asks
    # for a loop round break and continue, for an async function round await, and for names that no other parameter has.
    match = PLACED.search(text) if text.endswith(PLACED_WORDS) else None
    if match:
        return SOUND if match[2] in placed(text[:match.start()], match[0], match[1]) else UNFINISHED
    match = PARAMETERS.search(text)
    if match:
        items = [(item, PARAMETER.match(item)) for item in match[1].split(',')]
        names = [name[1] for _, name in items if name]
        if len(set(names)) < len(names):
            last, name = items[-1]
            return UNFINISHED if name and name.end() == len(last) and len(set(names[:-1])) == len(names) - 1 else BROKEN
    return SOUND

def placed(above, line, indent):
    # Which of these can stand in a line of that indentation under the lines above.
    loop = LOOP.match(line) is not None
    for line in reversed(above.split('\n')):
        match = HEADER.match(line)
        if not match or len(match[1].expandtabs()) >= len(indent.expandtabs()):
            continue
        indent = match[1]
        if not LOOP.match(line):
            return ({'break', 'continue'} if loop else set()) | ({'await'} if match[2].startswith('async') else set())
        loop = True
    return {'break', 'continue'} if loop else set()

def open_string(text, at):
    quote = quotes_at(text, at)
    # A string in single quotes ends with its line.
    if len(quote) == 1 and content_end(text, at + 1, quote) < len(text.rstrip('\\')):
        return False
    prefix = PREFIX.search(text, 0, at)[0].lower()
    if wrong_in(text, at + len(quote), len(text), prefix if prefix in STRING_PREFIXES else '') is not None:
        return False
    return completable(text[:at] + "'' \\\n")

def line_begins(text):
    tokens = scan(text)
    if not tokens or tokens[-1][2] != 'newline':
        return not tokens or completable(text + ' \\\n')
    if not completable(text[:tokens[-1][1]]):
        return False
    # As it is, or written on to the indentation of a line before, or to one deeper than the last line's.
    begun = LINE_BEGUN.search(text)[0][1:]
    indents = INDENTS.findall(text[:tokens[-1][1]])
    deeper = [one[len(begun):] for one in {*indents, indents[-1] + ' '} if one.startswith(begun) and one != begun]
    return any(completable(text + more + starter + ' \\\n') for more in ['', *sorted(deeper)] for starter in STARTERS)
`;
