/**
 * The grammar of simple statements (The Python Language Reference, chapter 7). Not here: compound statements and blocks
 * (statements.ts), where a statement may stand (placement.ts), what it binds (scopes.ts).
 */
import { Unreadable } from './faults.ts';
import { PatternReader } from './patterns.ts';
import { checkAnnotated, checkAssign, checkAugmented, checkDelete } from './targets.ts';
import { T, type Token } from './tokens.ts';
import { fitted, type Expression, type NameAt, type Statement } from './tree.ts';

const AUGMENTED: ReadonlySet<string> = new Set(['+=', '-=', '*=', '/=', '//=', '%=', '@=', '&=', '|=', '^=', '>>=', '<<=', '**=']);

export abstract class SimpleReader extends PatternReader {
  protected simple(): Statement {
    const token = this.token;
    const { start } = token;
    if (token.type === T.Name) {
      switch (token.value) {
        case 'pass': case 'break': case 'continue':
          this.at++;
          return { kind: token.value, start, end: this.last };
        case 'return': {
          this.at++;
          const value = this.ends() ? null : this.starExpressions();
          return { kind: 'return', value, start, end: this.last };
        }
        case 'raise': return this.raise(start);
        case 'global': case 'nonlocal': return this.names(token.value, start);
        case 'del': return this.deletion(start);
        case 'assert': return this.assertion(start);
        case 'import': return this.importing(start);
        case 'from': return this.importingFrom(start);
        case 'type':
          if (this.isName(this.peek()) && /^[=[]$/.test(this.peek(2).value) && this.peek(2).type === T.Op) return this.typeAlias(start);
          break;
        case 'print': case 'exec':
          this.legacy(token);
      }
    }
    return this.expressionStatement();
  }

  private ends(): boolean {
    return this.is(T.Newline) || this.isOp(';');
  }

  /** `print x` and `exec x` of Python 2. */
  private legacy({ value, start }: Token): void {
    const next = this.peek();
    const follows = next.type === T.String || next.type === T.FStart || next.type === T.Number || (next.type === T.Name && (this.isName(next) || /^(?:None|True|False|not|lambda)$/.test(next.value)));
    // `print not in x` is a comparison.
    if (!follows || (next.value === 'not' && this.peek(2).value === 'in' && this.peek(2).type === T.Name)) return;
    let at = this.at;
    while (this.tokens[at]!.type !== T.Newline && this.tokens[at]!.type !== T.End) at++;
    this.refuseAt('syntax.python2', `Missing parentheses in call to '${value}'. Did you mean ${value}(...)?`, start, this.tokens[at - 1]!.end);
  }

  private expressionStatement(): Statement {
    const start = this.token.start;
    const first = this.assigned();
    if (this.isOp(':=')) this.refuse();
    if (this.isOp(':') && !this.blockFollows()) return this.annotated(first, start);
    if (this.is(T.Op) && AUGMENTED.has(this.token.value)) {
      checkAugmented(first, this.report);
      this.at++;
      const value = this.assigned();
      this.refuseStar(value);
      return { kind: 'augmented', target: first, value, start, end: this.last };
    }
    if (!this.isOp('=')) {
      this.refuseStar(first);
      if (first.kind === 'tuple' && this.text[first.start] !== '(') this.checkTuple();
      return { kind: 'expression', value: first, start, end: this.last };
    }
    const targets = [first];
    let value = first;
    while (this.takeOp('=')) {
      value = this.assigned();
      targets.push(value);
    }
    targets.pop();
    for (const target of targets) {
      if (target.kind === 'yield' && !target.paren) this.fault('target.assign', 'assignment to yield expression not possible', target.start, target.end);
      else checkAssign(target, this.report);
    }
    this.refuseStar(value);
    return { kind: 'assign', targets: fitted(targets), value, start, end: this.last };
  }

  /** After a bare tuple that ends too early CPython looks for an annotation, reads on, and stumbles over an `=` as inside an expression. */
  private checkTuple(): void {
    const from = this.at, faults = this.faults.length, depth = this.depth;
    try {
      while (this.startsExpression() && !this.is(T.Fault)) do this.starNamed();
      while (this.takeOp(','));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      if (error.fault?.kind === 'syntax.comparison') throw error;
    }
    this.at = from;
    this.faults.length = faults;
    this.depth = depth;
  }

  /** A colon at the end of the line is no annotation. */
  private blockFollows(): boolean {
    return this.peek().type === T.Newline;
  }

  private annotated(target: Expression, start: number): Statement {
    checkAnnotated(target, this.report);
    this.at++;
    const annotation = this.expression();
    let value: Expression | null = null;
    if (this.takeOp('=')) {
      if (target.kind === 'name' && target.paren) checkAssign(target, this.report);
      value = this.assigned();
      this.refuseStar(value);
    } else if (target.kind === 'subscript') {
      const [, slice] = target.items;
      for (const item of slice?.kind === 'tuple' ? slice.items : []) this.refuseStar(item);
    }
    return { kind: 'annotated', target, annotation, value, start, end: this.last };
  }

  private raise(start: number): Statement {
    this.at++;
    const values: Expression[] = [];
    if (!this.ends()) {
      if (this.isWord('from')) this.refuse('did you forget an expression between \'raise\' and \'from\'?');
      values.push(this.expression());
      if (this.takeWord('from')) values.push(this.expression());
    }
    return { kind: 'raise', values: fitted(values), start, end: this.last };
  }

  private names(kind: 'global' | 'nonlocal', start: number): Statement {
    this.at++;
    const names: NameAt[] = [];
    do {
      const token = this.needName();
      names.push({ name: token.value, start: token.start, end: token.end });
    } while (this.takeOp(','));
    return { kind, names: fitted(names), start, end: this.last };
  }

  private deletion(start: number): Statement {
    this.at++;
    const target = this.starExpressions();
    const targets = target.kind === 'tuple' && this.tokenAt(target.start) !== '(' ? target.items : [target];
    for (const one of targets) checkDelete(one, this.report);
    return { kind: 'delete', targets, start, end: this.last };
  }

  private tokenAt(offset: number): string {
    return this.text[offset] ?? '';
  }

  private assertion(start: number): Statement {
    this.at++;
    const values = [this.namedlessExpression()];
    if (this.takeOp(',')) values.push(this.namedlessExpression());
    return { kind: 'assert', values, start, end: this.last };
  }

  private namedlessExpression(): Expression {
    const value = this.expression();
    if (this.isOp('=')) this.refuseAt('syntax.comparison', `cannot assign to ${value.kind === 'name' ? 'name' : value.kind} here. Maybe you meant '==' instead of '='?`, value.start, value.end);
    return value;
  }

  private typeAlias(start: number): Statement {
    this.at++;
    const token = this.needName();
    this.checkBound(token);
    const types = this.typeParameters();
    this.needOp('=');
    const value = this.expression();
    return { kind: 'type', name: { name: token.value, start: token.start, end: token.end }, types, value, start, end: this.last };
  }

  private dottedName(): Token {
    const first = this.needName();
    while (this.takeOp('.')) this.needName();
    return first;
  }

  private importing(start: number): Statement {
    this.at++;
    const names: NameAt[] = [];
    do {
      if (this.is(T.Newline)) this.refuse("Expected one or more names after 'import'", 'import.form');
      const first = this.dottedName();
      names.push(this.alias(first));
    } while (this.takeOp(','));
    if (this.isWord('from')) this.refuseAt('import.form', 'Did you mean to use \'from ... import ...\' instead?', start, this.token.end);
    return { kind: 'import', names: fitted(names), from: null, features: [], star: false, start, end: this.last };
  }

  private alias(bound: Token): NameAt {
    if (!this.isWord('as')) this.checkBound(bound);
    if (!this.takeWord('as')) return { name: bound.value, start: bound.start, end: bound.end };
    const name = this.needName();
    if (this.isOp('.') || this.isOp('(') || this.isOp('[')) this.refuseAt('import.form', 'cannot use expression as import target', name.start, this.token.end);
    this.checkBound(name);
    return { name: name.value, start: name.start, end: name.end };
  }

  private importingFrom(start: number): Statement {
    this.at++;
    let dots = 0;
    while (this.isOp('.') || this.isOp('...')) (dots++, this.at++);
    const moduleStart = this.token.start;
    if (dots === 0 || !this.isWord('import')) this.dottedName();
    const from = dots === 0 ? this.text.slice(moduleStart, this.last) : '.';
    this.needWord('import');
    if (this.takeOp('*')) return { kind: 'import', names: [], from, features: [], star: true, start, end: this.last };
    const names: NameAt[] = [], features: NameAt[] = [];
    const grouped = this.takeOp('(');
    if (this.is(T.Newline) || (grouped && this.isOp(')'))) this.refuse("Expected one or more names after 'import'", 'import.form');
    for (;;) {
      const name = this.needName();
      features.push({ name: name.value, start: name.start, end: name.end });
      names.push(this.alias(name));
      if (!this.takeOp(',')) break;
      if (grouped && this.isOp(')')) break;
      if (!grouped && this.is(T.Newline)) this.refuse('trailing comma not allowed without surrounding parentheses', 'import.form');
    }
    if (grouped) this.needOp(')');
    return { kind: 'import', names: fitted(names), from, features: fitted(features), star: false, start, end: this.last };
  }
}
