/**
 * The grammar's place in the token list, and how it objects. Not here: any rule of Python's grammar.
 */
import { MOST_FAULTS, Unreadable, type Fault, type RuleKind } from './faults.ts';
import { KEYWORDS, T, type Token, type Tokens } from './tokens.ts';

/** Deeper nesting than this is refused rather than followed: real code stays below 100, CPython's parser gives up near 3,000. */
export const MAX_DEPTH = 600;

/** What may stand before an operand, and names that are one though they are keywords. */
const PREFIXES: ReadonlySet<string> = new Set(['not', '-', '+', '~', 'await', '*']);
const CONSTANTS: ReadonlySet<string> = new Set(['None', 'True', 'False', 'yield']);

export class Cursor {
  protected readonly text: string;
  protected readonly tokens: readonly Token[];
  protected at = 0;
  protected depth = 0;
  readonly faults: Fault[];
  private readonly most: number;

  /** Offsets of statements that are indented wrongly. */
  protected readonly misindented: Set<number>;

  constructor(text: string, { tokens, faults, misindented }: Tokens) {
    this.text = text;
    this.tokens = tokens;
    this.faults = faults;
    this.misindented = misindented;
    this.most = faults.length + MOST_FAULTS;
  }

  protected get token(): Token {
    return this.tokens[this.at]!;
  }

  protected is(type: T): boolean {
    return this.tokens[this.at]!.type === type;
  }

  protected peek(ahead = 1): Token {
    return this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)]!;
  }

  /** End of the last token that was read, line ends and dedents left out. */
  protected get last(): number {
    let at = this.at - 1;
    while (at >= 0 && this.tokens[at]!.type === T.Dedent) at--;
    const token = this.tokens[at];
    if (!token) return 0;
    return token.type === T.Newline ? token.start : token.end;
  }

  protected isOp(value: string): boolean {
    const token = this.tokens[this.at]!;
    return token.type === T.Op && token.value === value;
  }

  /** Is the token the given keyword (hard or soft)? */
  protected isWord(value: string): boolean {
    const token = this.tokens[this.at]!;
    return token.type === T.Name && token.value === value;
  }

  protected isName(token: Token = this.token): boolean {
    return token.type === T.Name && !KEYWORDS.has(token.value);
  }

  protected takeOp(value: string): boolean {
    if (!this.isOp(value)) return false;
    this.at++;
    return true;
  }

  protected takeWord(value: string): boolean {
    if (!this.isWord(value)) return false;
    this.at++;
    return true;
  }

  protected needOp(value: string, kind: RuleKind = 'syntax.invalid', message?: string): void {
    if (!this.takeOp(value)) this.refuse(message, kind);
  }

  protected needWord(value: string): void {
    if (!this.takeWord(value)) this.refuse();
  }

  protected needName(): Token {
    if (!this.isName()) this.refuse();
    return this.tokens[this.at++]!;
  }

  /** Keeps a fault, unless there are very many already. */
  protected readonly record = (fault: Fault): void => {
    if (this.faults.length < this.most) this.faults.push(fault);
  };

  /** No further fault will be kept. */
  protected get isFull(): boolean {
    return this.faults.length >= this.most;
  }

  /** Records a fault and goes on. */
  protected fault(kind: RuleKind, message: string, start: number, end: number): void {
    this.record({ kind, message, start, end });
  }

  /** `__debug__` is a constant that nothing may bind. */
  protected checkBound({ value, start, end }: Token): void {
    if (value === '__debug__') this.fault('target.debug', 'cannot assign to __debug__', start, end);
  }

  /** Leaves the statement: the token here cannot be read. */
  protected refuse(message = 'invalid syntax', kind: RuleKind = 'syntax.invalid'): never {
    const { type, start, end } = this.token;
    if (type === T.Fault) throw new Unreadable(null);
    if (type === T.Indent) throw new Unreadable({ kind: 'indent.unexpected', message: 'unexpected indent', start, end });
    throw new Unreadable({ kind, message, start, end });
  }

  protected refuseAt(kind: RuleKind, message: string, start: number, end: number, firm = false): never {
    throw new Unreadable({ kind, message, start, end }, firm);
  }

  /**
   * What `read` reads; where it fails without a word of its own, CPython's word is `message` of whether an operand had been read by then
   * (null: it has none). CPython reads as much as it can and then misses what should follow, or reads nothing at all.
   */
  protected reading<V>(read: () => V, message: (begun: boolean) => string | null, kind: RuleKind = 'syntax.invalid'): V {
    const from = this.at;
    try {
      return read();
    } catch (error) {
      const word = error instanceof Unreadable && error.plain ? message(this.operandSince(from)) : null;
      if (word === null) throw error;
      return this.refuse(word, kind);
    }
  }

  /** Was a whole operand read between the token `from` and this one? */
  private operandSince(from: number): boolean {
    let first = from;
    while (PREFIXES.has(this.tokens[first]!.value) && first < this.at) first++;
    const { type, value, match } = this.tokens[first]!;
    if (first >= this.at) return false;
    if (type === T.Op) return value === '...' || (match > 0 && match < this.at);
    return type === T.Name ? !KEYWORDS.has(value) || CONSTANTS.has(value) : type === T.Number || type === T.String || type === T.FStart;
  }

  protected enter(): void {
    if (++this.depth > MAX_DEPTH) {
      this.depth = 0;
      this.refuse('too deeply nested to be compiled', 'syntax.deep');
    }
  }
}
