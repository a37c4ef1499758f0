/**
 * What the policy is told at every position about the text so far: which brackets are open and whether a string or a comment is; of
 * the line how far it is indented, what it began with, and whether its colon has come; in which blocks it stands (blocks.ts); what kind of thing came last, and whether something may be
 * assigned to what stands there; what words began and is not complete, and which names were given; how long the text is. A small policy that has to work this out for itself
 * spends its layers on counting and loses count (docs/decisions/0009). A pushdown automaton over the bytes of tokens, for Python and what
 * looks like it; it never fails, whatever the text holds. Not here: whether any of it is legal, which is for judges to say.
 *
 * The fields of f-strings are brackets that hold code; behind a field's colon its format is a string's. Deliberately less than a tokenizer of Python's: where a closing bracket does
 * not fit the open one it closes it all the same.
 */
import { BLOCKS_TOLD, BlockState } from './blocks.ts';

/** What is told, as ids into tables of vectors, and how many there are of each. */
export const TOLD = { brackets: 473, lines: 504, last: 238, syntax: 5713, words: 72, length: 32, ...BLOCKS_TOLD } as const;
export type ToldName = keyof typeof TOLD;
export const TOLD_NAMES = Object.keys(TOLD) as ToldName[];
/** Arrays of them, by position. */
export type ToldArrays = Readonly<Record<ToldName, Int32Array>>;

/** Ids of tokens that are no text. */
interface SpecialIds {
  readonly endOfText: number;
  readonly prefix: number;
  readonly suffix: number;
  readonly middle: number;
}

/** Line classes by first word; 0 while it is not known, 1 for all others. */
const UNKNOWN = 0, OTHER = 1;
const FIRST_WORDS: readonly (readonly string[])[] = [
  ['elif', 'while', 'with', 'except', 'async', 'match', 'case'], ['def'], ['class'], ['if'], ['for'], ['try', 'else', 'finally'],
  ['return', 'raise', 'assert', 'yield'], ['import'], ['from'], ['pass', 'break', 'continue'], ['@'], ['del'],
];
const LINE_CLASSES = 2 + FIRST_WORDS.length;
const DEFINITION = 3;
const CLASS_OF: ReadonlyMap<string, number> = new Map(FIRST_WORDS.flatMap((words, i) => words.map((word) => [word, 2 + i] as const)));

/** Kinds of what came last, beside those of words; 0 where a line has nothing yet. */
const NAME = 1, NUMBER = 7, STRING = 8, CLOSED = 9, OPENED = 10, SEPARATED = 11, ATTRIBUTE = 12, OPERATOR = 13, ASSIGNED = 14, AFTER_COLON = 15, OTHER_SIGN = 16;
/** What brackets behind it call. */
const CALLED = new Set([NAME, STRING, CLOSED]);
/** Kinds of words by what may follow: an operand has to, an operand may, nothing does, a name has to; the rest is alike to none. */
const WORDS: readonly (readonly string[])[] = [
  ['and', 'or', 'not', 'in', 'is', 'if', 'elif', 'while', 'assert', 'del', 'with', 'await', 'case'], ['return', 'yield', 'raise', 'except', 'lambda'],
  ['pass', 'break', 'continue', 'try', 'finally'], ['def', 'class', 'import', 'from', 'as', 'global', 'nonlocal', 'for', 'async'], ['else'],
];
const KIND_OF: ReadonlyMap<string, number> = new Map(WORDS.flatMap((words, i) => words.map((word) => [word, 2 + i] as const)));
const LONGEST_WORD = Math.max(...[...CLASS_OF.keys(), ...KIND_OF.keys()].map(({ length }) => length));
/** Names are told apart up to so many characters. */
const LONGEST_NAME = 64;

/** What has begun in a bracket or a line and is not complete: `for` without its `in`, `if` without its `else`, `lambda` without its colon, `from` without its `import`, `async`. */
const COMPLETE = 0, FOR = 1, IF = 2, LAMBDA = 3, FROM = 4, ASYNC = 5;

const COLUMNS = 6, COLUMNS_A_LEVEL = 4;
/** Told apart at the top of the open brackets; deeper ones are counted up to DEPTHS. */
const DEPTHS = 4;
/** Deeper brackets are forgotten, so that closing them counts for those that are known. */
const DEEPEST = 32;

const code = (character: string): number => character.charCodeAt(0);
const TAB = 9, SPACE = 32, QUOTE = code('"'), HASH = code('#'), APOSTROPHE = code("'"), COMMA = code(','), DOT = code('.'), COLON = code(':'), EQUALS = code('='), BACKSLASH = code('\\');
const NEWLINE = 10, RETURN = 13;
const endsLine = (byte: number): boolean => byte === NEWLINE || byte === RETURN;
const OPENING = new Map([[code('('), 1], [code('['), 2], [code('{'), 3]]);
/** Round brackets that hold what a function is called with, what it is defined with, and those around an expression or a tuple. */
const BRACE = 3, CALL = 1, PARAMETERS = 4, GROUP = 5;
/** A field of an f-string. */
const FIELD = 6;
const BRACKET_KINDS = 7, SYNTAX_KINDS = 6;
/** Ids of `brackets` before those of strings and comments. */
const STRINGS = BRACKET_KINDS * 4 * DEPTHS * 4;
const CLOSING = new Set([code(')'), code(']'), code('}')]);
const SUBSCRIPT = code('['), STAR = code('*'), OPEN_BRACE = code('{'), CLOSE_BRACE = code('}');
const FORMATTED_PREFIX = /^(?:[ft]r?|r[ft])$/i;
const OPERATORS = new Set([...'+-*/%&|^~<>!'].map(code));
/** What before an equals sign makes it a comparison or an assignment with an operator. */
const BEFORE_EQUALS = new Set([...'=<>!:+-*/%&|^@~'].map(code));

/** A string with fields. */
interface OpenText {
  readonly quote: number;
  readonly triple: boolean;
  /** It is the format of a field that is open as well. */
  readonly format: boolean;
}

/** An open bracket, or what of a line stands outside of all. */
interface Frame {
  /** Below BRACKET_KINDS; 0: the line. */
  readonly kind: number;
  /** Of a field: the string that it stands in. */
  readonly text: OpenText | null;
  /** What the item around amounts to once the bracket is closed. */
  readonly around: number;
  /** An item was given a name; this one has its colon. */
  named: boolean;
  keyed: boolean;
  pending: number;
  /** A comprehension's `for ... in` was met. */
  iterates: boolean;
  /** The most stars an item began with: 0 to 2. */
  stars: number;
  /** Names that cannot be given once more. */
  names: ReadonlySet<string>;
}
const NO_NAMES: ReadonlySet<string> = new Set();
const newFrame = (kind: number, around: number, text: OpenText | null = null): Frame => ({ kind, around, text, named: false, keyed: false, pending: COMPLETE, iterates: false, stars: 0, names: NO_NAMES });

/** What an item of a bracket, or a line, amounts to so far: a name, something else that can be assigned to, something that cannot, what has been assigned to or annotated, what has stars before it. */
const NOTHING = 0, SINGLE = 1, TARGET = 2, VALUE = 3, ASSIGNED_TO = 4, ANNOTATED = 5, STARRED = 6;
const ITEMS = 7;

type Mode = 'code' | 'comment' | 'string' | 'triple' | 'elsewhere';

/** The automaton at one place of one text. */
export class LexicalState {
  #mode: Mode = 'code';
  /** The open string's quote; its quotes in a row so far; whether a backslash came last. */
  #quote = 0;
  #run = 0;
  #escaped = false;
  /** The open string has fields; it is a field's format; nothing has come since the brace that opened a field. */
  #formatted = false;
  #format = false;
  #opening = false;
  /** Open brackets, innermost last. */
  #open: Frame[] = [];
  #line = newFrame(0, NOTHING);
  #blocks = new BlockState();
  /** Tokens since the text began. */
  #tokens = 0;
  /** The byte before. */
  #previous = 0;
  /** The kind of what came last, and whether a blank came after it. */
  #last = 0;
  #spaced = false;
  /** The innermost item, and what it was before its last word. */
  #item = NOTHING;
  #itemBefore = NOTHING;
  #column = 0;
  #starting = true;
  /** The word that is being read, or was last. */
  #word = '';
  #reading = false;
  /** The line's first word, two after `async`, or its first sign. */
  #head = '';
  #lineClass = UNKNOWN;
  /** 0: no colon at the line's own level; 1: one, and more since; 2: one at the end so far. */
  #colon = 0;
  /** What was told of the last line of code when it ended. */
  #lineBefore = 0;
  /** Where a text with a hole goes on after its suffix. */
  #saved: LexicalState | null = null;

  constructor(private readonly lexicon: Lexicon) {}

  /** Goes past a token. */
  read(id: number): void {
    this.#tokens++;
    const { endOfText, prefix, suffix, middle } = this.lexicon.special;
    if (id === endOfText || id === prefix) this.#become(new LexicalState(this.lexicon));
    else if (id === suffix) {
      const saved = new LexicalState(this.lexicon);
      saved.#become(this);
      this.#saved = saved;
      // What stands before a suffix is not known while it is read.
      this.#mode = 'elsewhere';
    } else if (id === middle && this.#saved) this.#become(this.#saved);
    else if (this.#mode !== 'elsewhere') for (const byte of this.lexicon.bytes[id] ?? []) this.#feed(byte);
  }

  /** Writes what is told here to place `at` of the arrays. */
  tell(told: ToldArrays, at: number): void {
    if (this.#mode === 'elsewhere') {
      for (const name of TOLD_NAMES) told[name][at] = name === 'brackets' ? TOLD.brackets - 1 : 0;
      return;
    }
    told.brackets[at] = this.#bracketsTold();
    told.lines[at] = this.#lineTold();
    const last = (2 * this.#last + (this.#spaced ? 1 : 0)) * ITEMS + this.#item;
    told.last[at] = last;
    told.syntax[at] = this.#mode === 'code' ? this.#together(last) : TOLD.syntax - 1;
    told.length[at] = Math.min(TOLD.length - 1, Math.floor(this.#tokens / 8));
    told.words[at] = this.#wordsTold();
    const { blocks, scopes } = this.#blocks.tell(this.#starting ? this.#column : null);
    told.blocks[at] = blocks;
    told.scopes[at] = scopes;
  }

  /** What came last, and what it stands in. */
  #together(last: number): number {
    const frame = this.#frame();
    // A field is braces here, since it holds what they hold: a kind more would make the table larger by a sixth.
    return (last * SYNTAX_KINDS + (frame.kind === FIELD ? BRACE : frame.kind)) * 4 + (this.#open.length === 0 ? this.#colon : flagsOf(frame));
  }

  #wordsTold(): number {
    const { pending, iterates, stars, names } = this.#frame();
    const again = this.#isName() && names.has(this.#word);
    return ((pending * 2 + (iterates ? 1 : 0)) * 2 + (again ? 1 : 0)) * 3 + stars;
  }

  #bracketsTold(): number {
    const [top, around] = [this.#open.at(-1) ?? this.#line, this.#open.at(-2) ?? this.#line];
    const second = around.kind === FIELD ? BRACE : around.kind >= PARAMETERS ? CALL : around.kind;
    if (this.#mode === 'code') return ((top.kind * 4 + second) * DEPTHS + Math.max(0, Math.min(DEPTHS, this.#open.length) - 1)) * 4 + (this.#open.length === 0 ? 0 : flagsOf(top));
    return STRINGS + 2 * this.#stringTold() + (top.kind === 0 ? 0 : 1);
  }

  /** 0: a comment; 1: two quotes, which may become three; then by quote, by whether there are three, and by whether there are fields; last the formats of fields. */
  #stringTold(): number {
    if (this.#mode === 'comment') return 0;
    if (this.#run === 2 && this.#mode !== 'triple') return 1;
    const quote = this.#quote === QUOTE ? 1 : 0;
    if (this.#format) return 10 + quote;
    return 2 + (this.#formatted ? 4 : 0) + (this.#mode === 'triple' ? 2 : 0) + quote;
  }

  #lineTold(): number {
    // What a line may follow does not depend on comments between.
    if (this.#mode === 'comment' && !this.#hasCode()) return this.#lineBefore;
    const level = Math.min(COLUMNS - 1, Math.ceil(this.#column / COLUMNS_A_LEVEL));
    return ((level * LINE_CLASSES + this.#lineClass) * 3 + this.#colon) * 2 + (this.#blocks.opened ? 1 : 0);
  }

  #become(other: LexicalState): void {
    this.#mode = other.#mode;
    this.#quote = other.#quote;
    this.#run = other.#run;
    this.#escaped = other.#escaped;
    this.#formatted = other.#formatted;
    this.#format = other.#format;
    this.#opening = other.#opening;
    this.#open = other.#open.map((one) => ({ ...one }));
    this.#line = { ...other.#line };
    this.#blocks = other.#blocks.copy();
    this.#tokens = other.#tokens;
    this.#previous = other.#previous;
    this.#last = other.#last;
    this.#spaced = other.#spaced;
    this.#item = other.#item;
    this.#itemBefore = other.#itemBefore;
    this.#column = other.#column;
    this.#starting = other.#starting;
    this.#word = other.#word;
    this.#reading = other.#reading;
    this.#head = other.#head;
    this.#lineClass = other.#lineClass;
    this.#colon = other.#colon;
    this.#lineBefore = other.#lineBefore;
    this.#saved = null;
  }

  #feed(byte: number): void {
    if (this.#mode === 'comment') {
      if (!endsLine(byte)) return;
      this.#mode = 'code';
    }
    if (this.#mode === 'triple') return this.#inTriple(byte);
    if (this.#mode === 'string') return this.#inString(byte);
    this.#inCode(byte);
    this.#previous = byte;
  }

  /** A brace of a string that has fields opens one, or ends the one whose format the string is; a backslash before it changes nothing. */
  #readBrace(byte: number): boolean {
    if (!this.#formatted) return false;
    if (byte === OPEN_BRACE && this.#open.length < DEEPEST) {
      this.#open.push(newFrame(FIELD, this.#item, { quote: this.#quote, triple: this.#mode === 'triple', format: this.#format }));
      this.#mode = 'code';
      this.#formatted = this.#format = false;
      this.#opening = true;
      this.#last = OPENED;
      this.#item = NOTHING;
      this.#spaced = false;
      this.#previous = byte;
      return true;
    }
    if (byte === CLOSE_BRACE && this.#format) {
      this.#backInto(this.#open.pop()!);
      return true;
    }
    return false;
  }

  /** Behind a field the string goes on, behind its colon the format. */
  #backInto({ text, around }: Frame, format = text!.format): void {
    this.#mode = text!.triple ? 'triple' : 'string';
    this.#quote = text!.quote;
    this.#run = 0;
    this.#escaped = false;
    this.#formatted = true;
    this.#format = format;
    this.#item = around;
    this.#last = STRING;
  }

  #inTriple(byte: number): void {
    if (this.#readBrace(byte)) return;
    if (this.#escaped) this.#escaped = false;
    else if (byte === this.#quote) {
      if (++this.#run === 3) this.#close();
    } else {
      this.#run = 0;
      this.#escaped = byte === BACKSLASH;
    }
  }

  /** `#run` is 1 behind the opening quote and 2 behind two quotes, which are an empty string or the beginning of a triple quote. */
  #inString(byte: number): void {
    if (this.#run === 2) {
      if (byte !== this.#quote) {
        this.#close();
        return this.#feed(byte);
      }
      this.#mode = 'triple';
      this.#run = 0;
      return;
    }
    if (this.#readBrace(byte)) return;
    const first = this.#run === 1;
    this.#run = 0;
    if (this.#escaped) this.#escaped = false;
    else if (byte === this.#quote) {
      if (first) this.#run = 2;
      else this.#close();
    } else if (endsLine(byte)) {
      this.#close();
      this.#feed(byte);
    } else this.#escaped = byte === BACKSLASH;
  }

  #close(): void {
    // A string that ends in a format ends the fields that are open in it.
    while (this.#format) this.#format = this.#open.pop()?.text?.format ?? false;
    this.#formatted = false;
    this.#mode = 'code';
    this.#run = 0;
    this.#escaped = false;
    this.#previous = this.#quote;
    this.#last = STRING;
    this.#item = this.#valued();
    this.#spaced = false;
  }

  #inCode(byte: number): void {
    if (this.#opening) {
      this.#opening = false;
      // Two braces are one that is text.
      if (byte === OPEN_BRACE) return this.#backInto(this.#open.pop()!);
    }
    if (this.#reading && !isLetter(byte)) this.#endWord();
    if (endsLine(byte)) {
      const second = byte === NEWLINE && this.#previous === RETURN;
      if (!second && this.#open.length === 0 && this.#previous !== BACKSLASH) this.#nextLine();
      this.#spaced = true;
      return;
    }
    if (this.#starting) {
      if (byte === SPACE || byte === TAB) {
        this.#column += byte === TAB ? COLUMNS_A_LEVEL : 1;
        return;
      }
      this.#starting = false;
      if (byte !== HASH) this.#blocks.begin(this.#column);
    }
    if (byte === HASH) {
      this.#mode = 'comment';
      return;
    }
    if (isLetter(byte)) return this.#readLetter(byte);
    if (this.#head === '') this.#head = String.fromCharCode(byte);
    if (this.#lineClass === UNKNOWN) this.#lineClass = CLASS_OF.get(this.#head) ?? OTHER;
    if (byte === SPACE || byte === TAB) {
      this.#spaced = true;
      return;
    }
    this.#spaced = false;
    this.#readSign(byte);
  }

  #readLetter(byte: number): void {
    if (this.#colon === 2) this.#colon = 1;
    const goesOn = isLetter(this.#previous) && !this.#spaced;
    this.#spaced = false;
    if (goesOn && this.#last === NUMBER) return;
    if (!goesOn) {
      this.#word = '';
      this.#itemBefore = this.#last === ATTRIBUTE ? (this.#item >= ASSIGNED_TO ? this.#item : TARGET) : this.#item === NOTHING ? SINGLE : this.#valued();
    }
    if (this.#word.length <= LONGEST_NAME) this.#word += String.fromCharCode(byte);
    this.#reading = true;
    this.#last = !goesOn && isDigit(byte) ? NUMBER : (KIND_OF.get(this.#word) ?? NAME);
    this.#item = this.#last === NAME ? this.#itemBefore : this.#valued();
    if (this.#lineClass === UNKNOWN && this.#word.length > LONGEST_WORD) this.#lineClass = OTHER;
  }

  /** A word is complete. */
  #endWord(): void {
    this.#reading = false;
    const [word, frame] = [this.#word, this.#frame()];
    const heads = this.#head === '';
    if (heads) this.#head = word;
    else if (this.#head === 'async') this.#head += ` ${word}`;
    if (word === 'for') frame.pending = FOR;
    else if (word === 'lambda') frame.pending = LAMBDA;
    else if (word === 'async') frame.pending = ASYNC;
    else if (word === 'from' && heads) frame.pending = FROM;
    // A comprehension's, a statement's and a case's `if` have no `else`.
    else if (word === 'if' && !heads && !frame.iterates && this.#head !== 'case') frame.pending = IF;
    else if (word === 'in' && frame.pending === FOR) {
      frame.pending = COMPLETE;
      frame.iterates = frame.kind !== 0;
    } else if ((word === 'else' && frame.pending === IF) || (word === 'import' && frame.pending === FROM) || frame.pending === ASYNC) frame.pending = COMPLETE;
  }

  #frame(): Frame {
    return this.#open.at(-1) ?? this.#line;
  }

  #readSign(byte: number): void {
    if (this.#colon === 2) this.#colon = 1;
    this.#readName(byte);
    if (byte === QUOTE || byte === APOSTROPHE) {
      this.#formatted = isLetter(this.#previous) && FORMATTED_PREFIX.test(this.#word);
      this.#mode = 'string';
      this.#quote = byte;
      this.#run = 1;
    } else if (OPENING.has(byte)) {
      if (this.#open.length < DEEPEST) {
        const round = OPENING.get(byte) === CALL;
        const kind = !round ? OPENING.get(byte)! : this.#open.length === 0 && this.#lineClass === DEFINITION ? PARAMETERS : CALLED.has(this.#last) ? CALL : GROUP;
        // A call's value cannot be assigned to; what a subscript names, or a tuple, can.
        const target = byte === SUBSCRIPT ? this.#item <= TARGET : round && this.#item === NOTHING;
        this.#open.push(newFrame(kind, target ? TARGET : this.#valued()));
      }
      this.#item = NOTHING;
      this.#last = OPENED;
    } else if (CLOSING.has(byte)) {
      const closed = this.#open.pop();
      if (closed?.kind === FIELD) return this.#backInto(closed);
      this.#item = closed?.around ?? VALUE;
      this.#last = CLOSED;
    } else {
      this.#item = this.#itemAfter(byte);
      this.#last = byte === COMMA ? SEPARATED : byte === DOT ? ATTRIBUTE : byte === COLON ? AFTER_COLON : byte === EQUALS ? ASSIGNED : OPERATORS.has(byte) ? OPERATOR : OTHER_SIGN;
      const frame = this.#frame();
      if (byte === COLON && frame.pending === LAMBDA) frame.pending = COMPLETE;
      else if (byte === COLON && frame.kind === FIELD) this.#backInto(frame, true);
      else if (this.#open.length > 0) this.#readInBrackets(byte);
      else if (byte === COLON) this.#colon = 2;
    }
  }

  /** Parameters, and what a call gives by name, have names that differ. */
  #readName(byte: number): void {
    const frame = this.#frame();
    const parameters = frame.kind === PARAMETERS;
    if (!parameters && frame.kind !== CALL) return;
    if (byte === STAR && this.#item === NOTHING) frame.stars = Math.max(1, frame.stars);
    else if (byte === STAR && this.#item === STARRED && this.#previous === STAR) frame.stars = 2;
    const ends = byte === EQUALS || (parameters && (byte === COMMA || byte === COLON));
    if (ends && this.#isName()) frame.names = new Set([...frame.names, this.#word]);
  }

  /** The item is one name, stars aside. */
  #isName(): boolean {
    return this.#last === NAME && (this.#item === SINGLE || this.#item === STARRED);
  }

  #hasCode(): boolean {
    return this.#lineClass !== UNKNOWN || this.#word !== '';
  }

  /** The item once a value is part of it. */
  #valued(): number {
    return this.#item >= ASSIGNED_TO ? this.#item : VALUE;
  }

  #itemAfter(byte: number): number {
    const inBrackets = this.#open.length > 0;
    if (byte === COMMA) return inBrackets || this.#item <= TARGET || this.#item === STARRED ? NOTHING : this.#item;
    if (byte === DOT) return this.#item;
    if (byte === STAR && this.#item === NOTHING) return STARRED;
    if (byte === EQUALS && this.#item !== STARRED) {
      if (this.#previous === EQUALS) return VALUE;
      // Outside of brackets more can be assigned to: a = b = c.
      if (!BEFORE_EQUALS.has(this.#previous)) return inBrackets || this.#item === ANNOTATED ? ASSIGNED_TO : NOTHING;
    }
    if (byte === COLON && this.#item <= TARGET && (!inBrackets || this.#frame().kind === PARAMETERS)) return ANNOTATED;
    return this.#valued();
  }

  /** Whether an item was named (`key=value`), and whether this one has had its colon. */
  #readInBrackets(byte: number): void {
    const frame = this.#frame();
    if (byte === COMMA) frame.keyed = false;
    else if (byte === COLON) frame.keyed = true;
    else if (byte === EQUALS) {
      if (this.#previous === EQUALS) frame.named = false;
      else if (!BEFORE_EQUALS.has(this.#previous)) frame.named = true;
    }
  }

  #nextLine(): void {
    // A blank line or a comment's is none.
    if (!this.#starting && this.#hasCode()) {
      this.#lineBefore = this.#lineTold();
      this.#blocks.end(this.#head, this.#colon, this.#word);
    }
    this.#column = 0;
    this.#starting = true;
    this.#word = '';
    this.#head = '';
    this.#line = newFrame(0, NOTHING);
    this.#lineClass = UNKNOWN;
    this.#colon = 0;
    this.#last = 0;
    this.#item = NOTHING;
  }
}

/** Whether an item of the bracket was given a name, and whether this one has had its colon: 0 to 3. */
function flagsOf({ named, keyed }: Frame): number {
  return (named ? 1 : 0) + (keyed ? 2 : 0);
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

/** Whether the byte can stand in a name. */
function isLetter(byte: number): boolean {
  return (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90) || byte === 95 || isDigit(byte) || byte >= 128;
}

/** What the automaton has to know of a vocabulary. */
export class Lexicon {
  /** `bytes`: of every token, by id; none of one that is no text. */
  constructor(readonly bytes: readonly Uint8Array[], readonly special: SpecialIds) {}

  /** For every position of a sequence what is told once its id has been read, in the arrays from `at` on. */
  tell(ids: ArrayLike<number>, told: ToldArrays, at: number): void {
    const state = new LexicalState(this);
    for (let i = 0; i < ids.length; i++) {
      state.read(ids[i]!);
      state.tell(told, at + i);
    }
  }
}
