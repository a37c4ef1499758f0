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

def scan(text):
    # Tokens as (start, end, kind); a string that is not closed is the last one, of kind 'open', and ends where it went wrong.
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
            at = content_end(text, at, quote)
            if not text.startswith(quote, at):
                tokens.append((start, min(at, len(text)), 'open'))
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
CONVERSION = re.compile(r'![rsa]?(?=[:}]|\Z)')
CLOSES = {')': '(', ']': '[', '}': '{'}
FIELD, FORMAT = 'field', 'format'

def formatted(text, at):
    # Of the f-string whose quotes begin there: where it ends, and None; where it broke, and BROKEN; or the text's length, and either what may follow
    # its last character or a text that as much may follow: the open field, as an open bracket.
    # Source: the Python Language Reference, 2.5.3, "Formatted string literals". A string in a field is taken as one, whatever its prefix.
    quote = quotes_at(text, at)
    at += len(quote)
    open_in, field = [], 0
    while at < len(text):
        character = text[at]
        if not open_in or open_in[-1] == FORMAT:
            if text.startswith(quote, at):
                return (at, BROKEN) if open_in else (at + len(quote), None)
            if character in '\r\n' and len(quote) == 1:
                return at, BROKEN
            if character == '\\' and not text.startswith('{', at + 1):
                at += 2
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
            other = quotes_at(text, at)
            end = content_end(text, at + len(other), other)
            if not text.startswith(other, end):
                return (len(text), SOUND) if end >= len(text) else (at, BROKEN)
            at = end + len(other)
            continue
        top = open_in[-1] == FIELD
        if top and (character in '}:' or character == '!' and not text.startswith('!=', at)):
            # The value has come, with or without the sign that shows its text.
            value = text[field:at].rstrip()
            if not stands_alone(value[:-1] if value.endswith('=') else value):
                return at, BROKEN
            if character == '!':
                conversion = CONVERSION.match(text, at)
                if not conversion:
                    return at, BROKEN
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
