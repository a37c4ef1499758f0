/**
 * What the policy is told at every position about the text so far: which brackets are open and whether a string or a comment is, and of
 * the line how far it is indented, what it began with, and whether its colon has come. A small policy that has to work this out for itself
 * spends its layers on counting and loses count (docs/decisions/0009). A pushdown automaton over the bytes of tokens, for Python and what
 * looks like it; it never fails, whatever the text holds. Not here: whether any of it is legal, which is for judges to say.
 *
 * Deliberately less than a tokenizer of Python's: what stands in an f-string is a string's, and where a closing bracket does not fit the open one
 * it closes it all the same.
 */

/** What is told, as ids into two tables of vectors. */
export const BRACKET_KINDS = 269;
export const LINE_KINDS = 468;

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
  ['return', 'raise', 'assert', 'del', 'yield'], ['import'], ['from'], ['pass', 'break', 'continue'], ['@'],
];
const LINE_CLASSES = 2 + FIRST_WORDS.length;
/** Classes of lines that open a block. */
const HEADERS: ReadonlySet<number> = new Set([2, 3, 4, 5, 6, 7]);
const CLASS_OF: ReadonlyMap<string, number> = new Map(FIRST_WORDS.flatMap((words, i) => words.map((word) => [word, 2 + i] as const)));
const LONGEST_WORD = Math.max(...[...CLASS_OF.keys()].map(({ length }) => length));

const COLUMNS = 6, COLUMNS_A_LEVEL = 4;
/** Told apart at the top of the open brackets; deeper ones are counted up to DEPTHS. */
const DEPTHS = 4;
/** Deeper brackets are forgotten, so that closing them counts for those that are known. */
const DEEPEST = 32;

const code = (character: string): number => character.charCodeAt(0);
const TAB = 9, SPACE = 32, QUOTE = code('"'), HASH = code('#'), APOSTROPHE = code("'"), COMMA = code(','), COLON = code(':'), EQUALS = code('='), AT = code('@'), BACKSLASH = code('\\');
const NEWLINE = 10, RETURN = 13;
const endsLine = (byte: number): boolean => byte === NEWLINE || byte === RETURN;
const OPENING = new Map([[code('('), 1], [code('['), 2], [code('{'), 3]]);
const CLOSING = new Set([code(')'), code(']'), code('}')]);
/** What before an equals sign makes it a comparison or an assignment with an operator. */
const BEFORE_EQUALS = new Set([...'=<>!:+-*/%&|^@~'].map(code));

/** Bits of what has been met inside the innermost bracket. */
const NAMED = 1, KEYED = 2;

type Mode = 'code' | 'comment' | 'string' | 'triple' | 'elsewhere';

/** The automaton at one place of one text. */
export class LexicalState {
  #mode: Mode = 'code';
  /** The open string's quote; its quotes in a row so far; whether a backslash came last. */
  #quote = 0;
  #run = 0;
  #escaped = false;
  /** Open brackets, innermost last: 1 to 3, and NAMED and KEYED times four. */
  #open: number[] = [];
  #last = 0;
  #column = 0;
  #starting = true;
  #word = '';
  #lineClass = UNKNOWN;
  /** 0: no colon at the line's own level; 1: one, and more since; 2: one at the end so far. */
  #colon = 0;
  /** The line before opened a block. */
  #opened = false;
  /** Where a text with a hole goes on after its suffix. */
  #saved: LexicalState | null = null;

  constructor(private readonly lexicon: Lexicon) {}

  /** Goes past a token. */
  read(id: number): void {
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

  /** Which of BRACKET_KINDS. */
  get brackets(): number {
    const [top = 0, second = 0] = [this.#open.at(-1), this.#open.at(-2)];
    if (this.#mode === 'code' && this.#run === 0) return (((top & 3) * 4 + (second & 3)) * DEPTHS + Math.max(0, Math.min(DEPTHS, this.#open.length) - 1)) * 4 + (top >> 2);
    if (this.#mode === 'elsewhere') return BRACKET_KINDS - 1;
    const string = this.#mode === 'comment' ? 0 : this.#run === 2 && this.#mode !== 'triple' ? 1 : 2 + (this.#mode === 'triple' ? 2 : 0) + (this.#quote === QUOTE ? 1 : 0);
    return 256 + 2 * string + (top === 0 ? 0 : 1);
  }

  /** Which of LINE_KINDS. */
  get line(): number {
    if (this.#mode === 'elsewhere') return 0;
    const level = Math.min(COLUMNS - 1, Math.ceil(this.#column / COLUMNS_A_LEVEL));
    return ((level * LINE_CLASSES + this.#lineClass) * 3 + this.#colon) * 2 + (this.#opened ? 1 : 0);
  }

  #become(other: LexicalState): void {
    this.#mode = other.#mode;
    this.#quote = other.#quote;
    this.#run = other.#run;
    this.#escaped = other.#escaped;
    this.#open = [...other.#open];
    this.#last = other.#last;
    this.#column = other.#column;
    this.#starting = other.#starting;
    this.#word = other.#word;
    this.#lineClass = other.#lineClass;
    this.#colon = other.#colon;
    this.#opened = other.#opened;
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
    this.#last = byte;
  }

  #inTriple(byte: number): void {
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
    this.#mode = 'code';
    this.#run = 0;
    this.#escaped = false;
    this.#last = this.#quote;
  }

  #inCode(byte: number): void {
    if (endsLine(byte)) {
      const second = byte === NEWLINE && this.#last === RETURN;
      if (!second && this.#open.length === 0 && this.#last !== BACKSLASH) this.#nextLine();
      return;
    }
    if (this.#starting) {
      if (byte === SPACE || byte === TAB) {
        this.#column += byte === TAB ? COLUMNS_A_LEVEL : 1;
        return;
      }
      this.#starting = false;
    }
    if (byte === HASH) {
      this.#mode = 'comment';
      return;
    }
    if (this.#lineClass === UNKNOWN) this.#readWord(byte);
    if (byte === SPACE || byte === TAB) return;
    if (this.#colon === 2) this.#colon = 1;
    if (byte === QUOTE || byte === APOSTROPHE) {
      this.#mode = 'string';
      this.#quote = byte;
      this.#run = 1;
    } else if (OPENING.has(byte)) {
      if (this.#open.length < DEEPEST) this.#open.push(OPENING.get(byte)!);
    } else if (CLOSING.has(byte)) this.#open.pop();
    else if (this.#open.length === 0) {
      if (byte === COLON) this.#colon = 2;
    } else this.#readInBrackets(byte);
  }

  /** Whether an item was named (`key=value`), and whether this one has had its colon. */
  #readInBrackets(byte: number): void {
    const at = this.#open.length - 1;
    if (byte === COMMA) this.#open[at]! &= ~(KEYED << 2);
    else if (byte === COLON) this.#open[at]! |= KEYED << 2;
    else if (byte === EQUALS) {
      if (this.#last === EQUALS) this.#open[at]! &= ~(NAMED << 2);
      else if (!BEFORE_EQUALS.has(this.#last)) this.#open[at]! |= NAMED << 2;
    }
  }

  #readWord(byte: number): void {
    const letter = (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90) || byte === 95 || (byte >= 48 && byte <= 57) || byte >= 128;
    if (letter && this.#word.length <= LONGEST_WORD) this.#word += String.fromCharCode(byte);
    else if (!letter) this.#lineClass = (this.#word === '' ? (byte === AT ? CLASS_OF.get('@') : undefined) : CLASS_OF.get(this.#word)) ?? OTHER;
    if (this.#word.length > LONGEST_WORD) this.#lineClass = OTHER;
  }

  #nextLine(): void {
    // A blank line or a comment's is none.
    if (!this.#starting && (this.#lineClass !== UNKNOWN || this.#word !== '')) this.#opened = HEADERS.has(this.#lineClass) && this.#colon === 2;
    this.#column = 0;
    this.#starting = true;
    this.#word = '';
    this.#lineClass = UNKNOWN;
    this.#colon = 0;
  }
}

/** What the automaton has to know of a vocabulary. */
export class Lexicon {
  /** `bytes`: of every token, by id; none of one that is no text. */
  constructor(readonly bytes: readonly Uint8Array[], readonly special: SpecialIds) {}

  /** For every position of a sequence what is told once its id has been read, in both arrays from `at` on. */
  tell(ids: ArrayLike<number>, told: { readonly brackets: Int32Array; readonly lines: Int32Array }, at: number): void {
    const state = new LexicalState(this);
    for (let i = 0; i < ids.length; i++) {
      state.read(ids[i]!);
      told.brackets[at + i] = state.brackets;
      told.lines[at + i] = state.line;
    }
  }
}
