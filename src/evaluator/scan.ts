/**
 * Tokens of a text that may break off anywhere, as Python's lexical analysis has them: what the programs of broken.ts and beginnings.ts share. A Python program that
 * runs inside the interpreter, beside the verdicts.
 *
 * A prefix of tokens can be completed exactly when the parser, given these tokens and then the end of the input in the middle of a
 * line, asks for more: with PyCF_ALLOW_INCOMPLETE_INPUT it then says "incomplete input" (Parser/pegen.c), and any other error means that
 * it failed before the end. The end lies in the middle of a line because a backslash is put behind the prefix.
 */
export const SCAN_PROGRAM = String.raw`
import keyword, re

ALLOW_INCOMPLETE_INPUT = 0x4000
ONLY_AST = 0x400

SCAN = re.compile(r'''
  (?P<newline>\r?\n|\r)
| (?P<blank>[ \t\f]+|\\\r?\n|\#[^\r\n]*)
| (?P<string>[A-Za-z]{0,2}(?P<quote>"""|\'\'\'|"|\'))
| (?P<name>[^\W\d]\w*)
| (?P<number>(?:\d|\.\d)(?:[eE][+-]|[\w.])*)
| (?P<operator>\*\*=|//=|>>=|<<=|\.\.\.|!=|->|:=|==|<=|>=|\*\*|//|<<|>>|[-+*/%&|^@]=|.)
''', re.VERBOSE | re.DOTALL)
STRING_PREFIXES = {'', 'r', 'b', 'u', 'f', 't', 'rb', 'br', 'fr', 'rf', 'tr', 'rt'}
LINE_ENDS = {'"': re.compile(r'(?:[^"\\\r\n]|\\(?:\r\n|.))*', re.DOTALL), "'": re.compile(r"(?:[^'\\\r\n]|\\(?:\r\n|.))*", re.DOTALL)}
TRIPLE_ENDS = {'"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*', re.DOTALL), "'''": re.compile(r"(?:[^'\\]|\\.|'(?!''))*", re.DOTALL)}

def quotes_at(text, at):
    return text[at] * 3 if text.startswith(text[at] * 3, at) else text[at]

def content_end(text, at, quote):
    # Where the content ends that begins there: at the closing quotes, or where these are missing.
    return (TRIPLE_ENDS if len(quote) == 3 else LINE_ENDS)[quote].match(text, at).end()

ESCAPED_DIGITS = {'x': 2, 'u': 4, 'U': 8}
HEXADECIMAL = set('0123456789abcdefABCDEF')
CHARACTER_NAME = re.compile(r'[A-Za-z0-9 -]*')
NOT_ASCII = re.compile(r'[^\x00-\x7f]')

def escape_end(text, at, of_bytes):
    # Of the escape whose backslash is there: where it ends and None, or None and the character that cannot stand in it; the text's length where it is not finished.
    # Source: the Python Language Reference, 2.5.2, "Escape sequences". What is no escape is a backslash and a character.
    letter = text[at + 1:at + 2]
    first = at + 2
    if letter in ('u', 'U', 'N') and of_bytes:
        return first, None
    if letter == 'N':
        if text[first:first + 1] != '{':
            return None, first
        end = CHARACTER_NAME.match(text, first + 1).end()
        if text[end:end + 1] == '}':
            try:
                compile("'" + text[at:end + 1] + "'", '<sample>', 'eval')
                return end + 1, None
            except SyntaxError:
                pass
        return None, end
    count = ESCAPED_DIGITS.get(letter, 0)
    for i in range(first, first + count):
        if text[i:i + 1] not in HEXADECIMAL or letter == 'U' and int(text[first:i + 1].ljust(8, '0'), 16) > 0x10ffff:
            return None, i
    return min(first + count, len(text)), None

def wrong_in(text, at, end, prefix):
    # The first character of a string's content that cannot stand there, None where all can; the prefix is what stands before its quotes.
    foreign = NOT_ASCII.search(text, at, end) if 'b' in prefix else None
    end = foreign.start() if foreign else end
    at = -1 if 'r' in prefix else text.find('\\', at, end)
    while at >= 0:
        after, wrong = escape_end(text, at, 'b' in prefix)
        if wrong is not None:
            return wrong if wrong < len(text) else None
        at = text.find('\\', after, end)
    return foreign.start() if foreign else None

def scan(text):
    # Tokens as (start, end, kind); a string that is not closed, or has what no string can have, is the last one, of kind 'open', and ends where it went wrong.
    tokens, at, depth = [], 0, 0
    while at < len(text):
        match = SCAN.match(text, at)
        kind, start, at = match.lastgroup, at, match.end()
        if kind == 'quote':
            kind = 'string'
        if kind == 'string' and match['string'][:-len(match['quote'])].lower() not in STRING_PREFIXES:
            # A name that a string follows.
            at = start + len(match['string']) - len(match['quote'])
            kind = 'name'
        if kind == 'blank':
            continue
        if kind == 'newline':
            if depth > 0 or not tokens or tokens[-1][2] == 'newline':
                continue
        elif kind == 'string':
            quote = match['quote']
            prefix = match['string'][:-len(quote)].lower()
            if 'f' in prefix or 't' in prefix:
                at, answer = formatted(text, at - len(quote))
                if answer is not None:
                    # Of an open field what is wrong may lie in there.
                    place = at if answer == BROKEN else len(text) - (len(answer) - first_break(answer) if isinstance(answer, str) else 0)
                    tokens.append((start, place, 'open'))
                    return tokens
            else:
                content, at = at, content_end(text, at, quote)
                wrong = wrong_in(text, content, at, prefix)
                if wrong is not None or not text.startswith(quote, at):
                    tokens.append((start, min(at, len(text)) if wrong is None else wrong, 'open'))
                    return tokens
                at += len(quote)
        elif kind == 'operator':
            character = text[start]
            if character in '([{':
                depth += 1
            elif character in ')]}' and depth > 0:
                depth -= 1
        tokens.append((start, at, kind))
    return tokens

def completable(text):
    try:
        compile(text, '<sample>', 'exec', flags=ALLOW_INCOMPLETE_INPUT | ONLY_AST, dont_inherit=True)
        return True
    except SyntaxError as error:
        return str(error.msg) == 'incomplete input'
    except (ValueError, RecursionError, MemoryError, OverflowError, SystemError):
        return False

BROKEN, UNFINISHED, SOUND = 0, 1, 2

FORMATTED = re.compile(r"""(?<![A-Za-z0-9_])(?:[ft]r?|r[ft])(?=['"])""", re.IGNORECASE)
FORMATTED_ENDS = re.compile(r'(?<![A-Za-z0-9_])(?:[ft]r?|r[ft])\Z', re.IGNORECASE)
CONVERSION = re.compile(r'![rsa](?=[:}]|\Z)|!\Z')
CLOSES = {')': '(', ']': '[', '}': '{'}
FIELD, FORMAT = 'field', 'format'

NESTED = 5

def formatted(text, at, depth=0):
    # Of the f-string whose quotes begin there: where it ends, and None; where it broke, and BROKEN; or the text's length, and either what may follow
    # its last character or a text that as much may follow: the open field, as an open bracket.
    # Source: the Python Language Reference, 2.5.3, "Formatted string literals". Of those inside of each other only so many are looked into.
    quote = quotes_at(text, at)
    raw = 'r' in text[max(0, at - 2):at].lower()
    at += len(quote)
    open_in, field = [], 0
    while at < len(text):
        character = text[at]
        if not open_in or open_in[-1] == FORMAT:
            if text.startswith(quote, at):
                return (at, BROKEN) if open_in else (at + len(quote), None)
            if character in '\r\n' and len(quote) == 1:
                return at, BROKEN
            if character == '\\' and not text.startswith(('{', '}'), at + 1):
                after, wrong = (at + 2, None) if raw else escape_end(text, at, False)
                if wrong is not None:
                    return (wrong, BROKEN) if wrong < len(text) else (len(text), SOUND)
                at = after
            elif character == '{':
                if not open_in and text.startswith('{{', at):
                    at += 2
                    continue
                open_in.append(FIELD)
                at = field = at + 1
            elif character == '}' and open_in:
                del open_in[-2:]
                at += 1
            elif character == '}' and not text.startswith('}}', at):
                return at, UNFINISHED if at + 1 == len(text) else BROKEN
            else:
                at += 2 if character == '}' else 1
            continue
        if character in '\'"':
            inner = FORMATTED_ENDS.search(text, field, at) if depth < NESTED else None
            if inner:
                end, answer = formatted(text, at, depth + 1)
                closed = answer is None
            else:
                other = quotes_at(text, at)
                end = content_end(text, at + len(other), other)
                closed = text.startswith(other, end)
                answer = SOUND if end >= len(text) else BROKEN
                end += len(other) if closed else 0
            if not closed:
                if not completable('(' + text[field:inner.start() if inner else at] + "''"):
                    return at, BROKEN
                return (end, BROKEN) if answer == BROKEN else (len(text), SOUND)
            at = end
            continue
        top = open_in[-1] == FIELD
        if top and (character in '}:' or character == '!' and not text.startswith('!=', at)):
            # The value has come, with or without the sign that shows its text.
            value = text[field:at].rstrip()
            if not stands_alone(value[:-1] if value.endswith('=') else value):
                return min(at, field - 1 + first_break('(' + text[field:at])), BROKEN
            if character == '!':
                conversion = CONVERSION.match(text, at)
                if not conversion:
                    return at + (2 if text[at + 1] in 'rsa' else 1), BROKEN
                at = field = conversion.end()
                if at == len(text):
                    return at, SOUND
            if text[at] == ':':
                open_in.append(FORMAT)
            else:
                open_in.pop()
            at += 1
            continue
        if character in '([{':
            open_in.append(character)
        elif character in CLOSES:
            if open_in[-1] != CLOSES[character]:
                return at, BROKEN
            open_in.pop()
        elif character == '#':
            return len(text), SOUND
        at += 1
    if open_in and open_in[-1] != FORMAT:
        value = text[field:].rstrip()
        return at, SOUND if value == '' or value.endswith('=') else '(' + text[field:]
    return at, SOUND

def stands_alone(value):
    return value.strip() != '' and completable('(' + value + ')')
`;
