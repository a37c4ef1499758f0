/**
 * The grammar of compound statements and blocks (The Python Language Reference, chapters 8 and 9). A statement that cannot be read is
 * left at the end of its line and the next one is read on its own, so that one text may show several faults. Not here: where a
 * statement may stand (placement.ts) and what it binds (scopes.ts).
 */
import { Unreadable } from './faults.ts';
import { SimpleReader } from './simple.ts';
import { checkBind } from './targets.ts';
import { T, KEYWORDS, type Token, type Tokens } from './tokens.ts';
import { Expression, fitted, type Case, type Handler, type NameAt, type Statement } from './tree.ts';

/** Words that begin a part of a compound statement and can begin no statement. */
const ORPHANS: ReadonlySet<string> = new Set(['else', 'elif', 'except', 'finally']);
const EMPTY: readonly Statement[] = [];
/** CPython nests each `elif` in the one before. */
const MAX_ELIF = 1000;
/** How many statements back one that could not be read is looked for. */
const LOOK_BACK = 20;

/** The head of a block: what CPython calls it, and where it begins. */
type Header = { readonly label: string; readonly start: number };

export class StatementReader extends SimpleReader {
  private readonly lineOf: (offset: number) => number;
  /** Where the tokenizer's faults begin that are no fault of indentation, in order. */
  private readonly lexical: readonly number[];
  /** Statements that lack a block: what looks like a part of theirs may follow. */
  private readonly incomplete = new Set<Statement>();
  /** The statement being read lacks a block. */
  private lost = false;

  constructor(text: string, tokens: Tokens, lineOf: (offset: number) => number) {
    super(text, tokens);
    this.lineOf = lineOf;
    this.lexical = tokens.faults.filter(({ kind }) => /^(?:character|bracket|string|number)\./.test(kind)).map(({ start }) => start).sort((a, b) => a - b);
  }

  /** All statements of the text. */
  module(): Statement[] {
    const statements: Statement[] = [];
    while (!this.is(T.End)) {
      if (this.is(T.Dedent)) this.at++;
      else this.statement(statements);
    }
    return statements;
  }

  /** Reads one line's statements or one compound statement; records the fault of one that cannot be read. */
  private statement(into: Statement[]): void {
    const { type, start, end, value } = this.token;
    const from = this.at, depth = this.depth;
    if (type === T.Newline) {
      this.at++;
      return;
    }
    if (type === T.Indent) {
      // A recovered indent has its own fault already.
      if (value === '') {
        this.fault('indent.unexpected', 'unexpected indent', start, end);
        this.misindented.add(this.peek().start);
      }
      this.at++;
      this.nested(into);
      return;
    }
    const faults = this.faults.length, lost = this.lost;
    this.lost = false;
    try {
      this.readStatement(into);
      if (this.lost) this.incomplete.add(into[into.length - 1]!);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.depth = depth;
      this.recover(error, from, faults, into);
    }
    this.lost = lost;
  }

  private nested(into: Statement[]): void {
    while (!this.is(T.Dedent) && !this.is(T.End)) this.statement(into);
    if (this.is(T.Dedent)) this.at++;
  }

  /**
   * Goes on after the line that could not be read; a block below it is read as a block. `faults`: how many there were when the
   * statement began.
   */
  private recover({ fault, firm }: Unreadable, from: number, faults: number, into: Statement[]): void {
    const start = this.tokens[from]!.start;
    if (fault?.kind === 'indent.unexpected' || fault?.kind === 'indent.missing') {
      this.fault(fault.kind, fault.message, fault.start, fault.end);
      if (this.is(T.Indent)) {
        this.at++;
        this.nested(into);
      }
      return;
    }
    const before = this.at;
    while (!this.is(T.Newline) && !this.is(T.End)) this.at++;
    const end = this.token.end;
    const open = fault && firm ? this.faults.findIndex((other) => other.kind === 'bracket.unclosed' && other.start >= start && other.start <= end) : -1;
    if (open >= 0) this.faults[open] = fault!;
    // One complaint a line: the grammar stumbles where the tokenizer did, or over the rest of what was faulty already.
    const lineStart = this.lineStart(before);
    const said = open >= 0 || this.isFull || (this.misindented.has(start) && lineStart > start) || this.isLexical(start, end) || this.faults.slice(faults).some((other) => other.start >= lineStart);
    if (fault && !said) this.fault(fault.kind, fault.message, fault.start, fault.end);
    if (this.is(T.Newline)) this.at++;
    const body: Statement[] = [];
    if (this.is(T.Indent)) {
      this.at++;
      this.nested(body);
    }
    into.push({ kind: 'broken', start, end, body: fitted(body) });
  }

  /** Did the tokenizer find a fault that begins in this range? */
  private isLexical(start: number, end: number): boolean {
    let low = 0, high = this.lexical.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.lexical[middle]! < start) low = middle + 1;
      else high = middle;
    }
    return low < this.lexical.length && this.lexical[low]! <= end;
  }

  /** Offset of the first token of the line that the token `at` is in. */
  private lineStart(at: number): number {
    let first = at;
    while (first > 0 && !isLineEdge(this.tokens[first - 1]!.type)) first--;
    return this.tokens[first]!.start;
  }

  private readStatement(into: Statement[]): void {
    const token = this.token;
    if (token.type === T.Name && KEYWORDS.has(token.value)) {
      if (ORPHANS.has(token.value)) {
        into.push(this.orphan(token, into));
        return;
      }
      const compound = this.compound(token);
      if (compound) {
        into.push(compound);
        return;
      }
    } else if (this.isOp('@')) {
      into.push(this.decorated());
      return;
    } else if (token.type === T.Name && token.value === 'match' && this.mayBeMatch()) {
      const match = this.tryMatch();
      if (match) {
        into.push(match);
        return;
      }
    }
    this.simpleLine(into);
  }

  private simpleLine(into: Statement[]): void {
    do {
      if (this.is(T.Newline)) break;
      into.push(this.simple());
    } while (this.takeOp(';'));
    if (!this.is(T.Newline)) this.refuse();
    this.at++;
  }

  private compound(token: Token): Statement | null {
    switch (token.value) {
      case 'if': return this.ifStatement();
      case 'while': return this.whileStatement();
      case 'for': return this.forStatement(token.start, false);
      case 'try': return this.tryStatement();
      case 'with': return this.withStatement(token.start, false);
      case 'def': return this.definition(token.start, [], false);
      case 'class': return this.classStatement(token.start, []);
      case 'async': {
        const next = this.peek();
        if (next.type !== T.Name || !/^(?:def|for|with)$/.test(next.value)) {
          this.at++;
          return this.refuse();
        }
        this.at++;
        if (next.value === 'def') return this.definition(token.start, [], true);
        return next.value === 'for' ? this.forStatement(token.start, true) : this.withStatement(token.start, true);
      }
      default:
        return null;
    }
  }

  /**
   * `else`, `elif`, `except` or `finally` without what it continues, read as what it would be. It is no fault of its own where the
   * statement it belongs to could not be read.
   */
  private orphan(token: Token, before: readonly Statement[]): Statement {
    const { value, start, end } = token;
    const excused = before.slice(-LOOK_BACK).some((statement) => statement.kind === 'broken' || this.incomplete.has(statement));
    if (!excused) this.fault('syntax.orphan', 'invalid syntax', start, end);
    this.at++;
    if (value === 'except') return { kind: 'broken', start, end: this.last, body: this.handler(token, this.takeOp('*')).body };
    if (value === 'elif') this.namedExpression();
    const body = this.block(this.header(`'${value}' statement`, start));
    return { kind: 'broken', start, end: this.last, body };
  }

  /** `:` and the block after it; `bare`: nothing can stand before the colon. */
  private block(header: Header, bare = false): readonly Statement[] {
    if (!this.takeOp(':')) {
      if (this.is(T.Newline) || (bare && !this.is(T.Fault))) this.refuse("expected ':'", 'syntax.colon');
      this.refuse();
    }
    const body: Statement[] = [];
    if (!this.is(T.Newline)) {
      this.inlineBlock(body);
      return fitted(body);
    }
    this.at++;
    if (!this.is(T.Indent)) {
      const { start, end } = this.token;
      // A head that is itself indented wrongly may have its block beside it: said once is enough.
      if (!this.misindented.has(header.start)) {
        this.fault('indent.missing', `expected an indented block after ${header.label} on line ${this.lineOf(header.start)}`, start, Math.max(end, start));
      }
      this.lost = true;
      return EMPTY;
    }
    this.at++;
    while (!this.is(T.Dedent) && !this.is(T.End)) this.statement(body);
    if (this.is(T.Dedent)) this.at++;
    return fitted(body);
  }

  private inlineBlock(body: Statement[]): void {
    const { type, value } = this.token;
    if (type === T.Name && /^(?:if|while|for|try|with|def|class|async)$/.test(value)) this.refuse();
    if (this.isOp('@')) this.refuse();
    this.simpleLine(body);
  }

  private header(label: string, start: number): Header {
    return { label, start };
  }

  private ifStatement(): Statement {
    const { start } = this.token;
    const tests: Expression[] = [];
    const bodies: (readonly Statement[])[] = [];
    let word = 'if';
    do {
      const from = this.token.start;
      this.at++;
      tests.push(this.namedExpression());
      bodies.push(this.block(this.header(`'${word}' statement`, from)));
      word = 'elif';
      if (tests.length > MAX_ELIF) this.refuse('too deeply nested to be compiled', 'syntax.deep');
    } while (this.isWord('elif'));
    if (this.isWord('else')) bodies.push(this.elseBlock());
    return { kind: 'if', tests: fitted(tests), bodies: fitted(bodies), start, end: this.last };
  }

  private elseBlock(): readonly Statement[] {
    const from = this.token.start;
    this.at++;
    const body = this.block(this.header("'else' statement", from), true);
    if (this.isWord('elif')) this.refuse("'elif' block follows an 'else' block", 'syntax.orphan');
    return body;
  }

  private whileStatement(): Statement {
    const { start } = this.token;
    this.at++;
    const test = this.namedExpression();
    const body = this.block(this.header("'while' statement", start));
    const otherwise = this.isWord('else') ? this.elseBlock() : EMPTY;
    return { kind: 'while', test, body, otherwise, start, end: this.last };
  }

  private forStatement(start: number, async: boolean): Statement {
    this.at++;
    const target = this.targetList();
    checkBind(target, this.report);
    this.needWord('in');
    const iterable = this.starExpressions();
    this.refuseStar(iterable);
    const body = this.block(this.header("'for' statement", start));
    const otherwise = this.isWord('else') ? this.elseBlock() : EMPTY;
    return { kind: 'for', target, iterable, body, otherwise, async, start, end: this.last };
  }

  private tryStatement(): Statement {
    const { start } = this.token;
    this.at++;
    const body = this.block(this.header("'try' statement", start), true);
    const handlers: Handler[] = [];
    let group = false, bare: Handler | null = null;
    while (this.isWord('except')) {
      const from = this.token;
      this.at++;
      const star = this.takeOp('*');
      if (handlers.length > 0 && star !== group) this.fault('syntax.handlers', "cannot have both 'except' and 'except*' on the same 'try'", from.start, this.last);
      group ||= star;
      if (bare) {
        this.fault('syntax.handlers', "default 'except:' must be last", bare.start, bare.end);
        bare = null;
      }
      const handler = this.handler(from, star);
      handlers.push(handler);
      if (!handler.type) bare = handler;
    }
    if (handlers.length === 0 && !this.isWord('finally')) {
      const { start: at, end, type } = this.token;
      if (type !== T.Fault && !this.lost) this.fault('syntax.handlers', "expected 'except' or 'finally' block", at, end);
      this.lost = true;
      return { kind: 'try', body, handlers: fitted(handlers), group, otherwise: EMPTY, last: EMPTY, start, end: this.last };
    }
    const otherwise = handlers.length > 0 && this.isWord('else') ? this.elseBlock() : EMPTY;
    let last: readonly Statement[] = EMPTY;
    if (this.isWord('finally')) {
      const from = this.token.start;
      this.at++;
      last = this.block(this.header("'finally' statement", from), true);
    }
    return { kind: 'try', body, handlers: fitted(handlers), group, otherwise, last, start, end: this.last };
  }

  private handler(from: Token, star: boolean): Handler {
    let type: Expression | null = null, name: NameAt | null = null;
    if (!this.isOp(':') && (!this.is(T.Newline) || star)) {
      if (star && this.is(T.Newline)) this.refuse('expected one or more exception types', 'syntax.handlers');
      type = this.exceptionTypes();
      if (this.takeWord('as')) {
        const token = this.needName();
        if (type.kind === 'tuple' && this.text[type.start] !== '(') {
          this.refuseAt('syntax.handlers', "multiple exception types must be parenthesized when using 'as'", type.start, type.end);
        }
        if (this.isOp('.') || this.isOp('[') || this.isOp('(')) this.refuseAt('target.assign', 'cannot use except statement with attribute', token.start, this.token.end);
        this.checkBound(token);
        name = { name: token.value, start: token.start, end: token.end };
      }
    } else if (star) this.refuse('expected one or more exception types', 'syntax.handlers');
    const body = this.block(this.header(star ? "'except*' statement" : "'except' statement", from.start));
    return { type, name, body, start: from.start, end: from.end };
  }

  /** `A` or, since 3.14, `A, B` without parentheses. */
  private exceptionTypes(): Expression {
    const first = this.expression();
    if (!this.isOp(',')) return first;
    const list: Expression[] = [first];
    while (this.takeOp(',')) {
      if (this.isOp(':')) break;
      list.push(this.expression());
    }
    return this.tupleOf(list);
  }

  private tupleOf(items: Expression[]): Expression {
    return new Expression('tuple', items[0]!.start, this.last, 'bare', fitted(items));
  }

  private withStatement(start: number, async: boolean): Statement {
    this.at++;
    const values: Expression[] = [], targets: Expression[] = [];
    if (!this.tryGroupedItems(values, targets)) {
      do this.withItem(values, targets);
      while (this.takeOp(','));
    }
    const body = this.block(this.header("'with' statement", start));
    return { kind: 'with', values: fitted(values), targets: fitted(targets), body, async, start, end: this.last };
  }

  /** `with (a as b, c):` when the bracket closes right before the colon and its items can be read. */
  private tryGroupedItems(values: Expression[], targets: Expression[]): boolean {
    const open = this.token;
    if (!this.isOp('(') || open.match <= 0) return false;
    const after = this.tokens[open.match + 1];
    if (!after || after.type !== T.Op || after.value !== ':') return false;
    const from = this.at, faults = this.faults.length, depth = this.depth;
    try {
      this.at++;
      do {
        if (this.isOp(')')) break;
        this.withItem(values, targets);
      } while (this.takeOp(','));
      if (values.length > 0 && this.takeOp(')')) return true;
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
    this.at = from;
    this.depth = depth;
    this.faults.length = faults;
    values.length = targets.length = 0;
    return false;
  }

  private withItem(values: Expression[], targets: Expression[]): void {
    values.push(this.expression());
    if (!this.takeWord('as')) return;
    const target = this.isOp('*') ? this.starExpression() : this.binary(1);
    checkBind(target, this.report);
    targets.push(target);
    if (!this.isOp(',') && !this.isOp(')') && !this.isOp(':')) {
      if (this.is(T.Newline)) this.refuse("expected ':'", 'syntax.colon');
      this.refuse();
    }
  }

  private decorated(): Statement {
    const { start } = this.token;
    const decorators: Expression[] = [];
    while (this.takeOp('@')) {
      decorators.push(this.namedExpression());
      if (!this.is(T.Newline)) this.refuse();
      this.at++;
    }
    if (this.isWord('def')) return this.definition(start, decorators, false);
    if (this.isWord('class')) return this.classStatement(start, decorators);
    if (this.isWord('async') && this.peek().value === 'def') {
      this.at++;
      return this.definition(start, decorators, true);
    }
    return this.refuse();
  }

  private definition(start: number, decorators: readonly Expression[], async: boolean): Statement {
    const from = this.token.start;
    this.at++;
    const token = this.needName();
    this.checkBound(token);
    const types = this.typeParameters();
    this.needOp('(', 'syntax.invalid', "expected '('");
    const parameters = this.parameters(')', true);
    if (!this.takeOp(')')) this.refuse();
    const returns = this.takeOp('->') ? this.reading(() => this.expression(), () => "expected ':'", 'syntax.colon') : null;
    if (!this.isOp(':') && !this.is(T.Fault)) this.refuseAt('syntax.colon', "expected ':'", this.token.start, this.token.end, true);
    const body = this.block(this.header('function definition', from));
    return { kind: 'def', name: { name: token.value, start: token.start, end: token.end }, types, parameters, returns, body, async, decorators, start, end: this.last };
  }

  private classStatement(start: number, decorators: readonly Expression[]): Statement {
    const from = this.token.start;
    this.at++;
    const token = this.needName();
    this.checkBound(token);
    const types = this.typeParameters();
    const bases = this.takeOp('(') ? this.callArguments() : [];
    const bare = bases.find((base) => base.kind === 'comprehension' && base.text === 'generator' && !base.paren && this.text[base.start] !== '(');
    if (bare) this.fault('syntax.invalid', 'invalid syntax', bare.start, bare.end);
    const body = this.block(this.header('class definition', from));
    return { kind: 'class', name: { name: token.value, start: token.start, end: token.end }, types, bases: fitted(bases), body, decorators, start, end: this.last };
  }

  // `match` is a keyword only where a match statement can be read

  private mayBeMatch(): boolean {
    const next = this.peek();
    if (next.type === T.Op) return /^(?:[([{*~+-]|\.\.\.)$/.test(next.value);
    return next.type !== T.Newline && this.startsExpression(next);
  }

  private tryMatch(): Statement | null {
    const from = this.at, faults = this.faults.length, depth = this.depth;
    const { start } = this.token;
    try {
      this.at++;
      const subject = this.matchSubject();
      if (this.takeOp(':') && this.is(T.Newline)) {
        const next = this.peek();
        if (next.type === T.Indent && this.peek(2).type === T.Name && this.peek(2).value === 'case') {
          this.at += 2;
          return this.matchBody(subject, start);
        }
        if (next.type !== T.Indent) {
          this.fault('indent.missing', `expected an indented block after 'match' statement on line ${this.lineOf(start)}`, next.start, next.end);
          this.at++;
          return { kind: 'match', subject, cases: [], start, end: this.last };
        }
      }
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
    this.at = from;
    this.depth = depth;
    this.faults.length = faults;
    return null;
  }

  private matchSubject(): Expression {
    const first = this.isOp('*') ? this.starExpression() : this.namedExpression();
    if (!this.isOp(',')) {
      if (first.kind === 'starred') this.refuse();
      return first;
    }
    const list = [first];
    while (this.takeOp(',')) {
      if (this.isOp(':')) break;
      list.push(this.isOp('*') ? this.starExpression() : this.namedExpression());
    }
    return this.tupleOf(list);
  }

  private matchBody(subject: Expression, start: number): Statement {
    const cases: Case[] = [];
    let wide: { start: number; end: number; irrefutable: string | null; name: string } | null = null;
    while (!this.is(T.Dedent) && !this.is(T.End)) {
      const from = this.at, depth = this.depth, faults = this.faults.length;
      try {
        if (!this.isWord('case')) this.refuse();
        if (wide) {
          const what = wide.irrefutable === 'wildcard' ? 'wildcard' : `name capture '${wide.name}'`;
          this.fault('pattern.unreachable', `${what} makes remaining patterns unreachable`, wide.start, wide.end);
          wide = null;
        }
        const at = this.token.start;
        this.at++;
        const { bindings, values, irrefutable } = this.casePattern();
        const guard = this.takeWord('if') ? this.namedExpression() : null;
        if (!guard && irrefutable) wide = irrefutable;
        const body = this.block(this.header("'case' statement", at));
        cases.push({ bindings, values, guard, body });
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        this.depth = depth;
        const body: Statement[] = [];
        if (this.is(T.Dedent)) break;
        this.recover(error, from, faults, body);
        cases.push({ bindings: [], values: [], guard: null, body });
      }
    }
    if (this.is(T.Dedent)) this.at++;
    return { kind: 'match', subject, cases: fitted(cases), start, end: this.last };
  }
}

function isLineEdge(type: T): boolean {
  return type === T.Newline || type === T.Indent || type === T.Dedent;
}
