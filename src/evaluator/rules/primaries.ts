/**
 * The grammar of primaries (The Python Language Reference, 6.2 and 6.3): atoms, displays and comprehensions, string literals with their
 * replacement fields, calls, subscripts. Read by recursive descent over strict tokens, a method a production. Not here: operators
 * and what is built of them (expressions.ts).
 */
import { checkArguments } from './arguments.ts';
import { Cursor } from './cursor.ts';
import { checkBind } from './targets.ts';
import { KEYWORDS, T, type Token } from './tokens.ts';
import { Expression, fitted, type Clause } from './tree.ts';

export const NONE: readonly Expression[] = [];
const NO_IN = "'in' expected after for-loop variables";
/** Longest chain of calls, attributes and subscripts, and most operands in a row, that CPython's compiler surely follows. */
const MAX_CHAIN = 1500;

export abstract class PrimaryReader extends Cursor {
  protected readonly report = this.record;

  abstract expression(): Expression;
  protected abstract namedExpression(compared?: boolean): Expression;
  /** The value of a replacement field: what may stand after `=`. */
  protected abstract assigned(): Expression;
  protected abstract yielded(): Expression;
  protected abstract disjunction(): Expression;
  protected abstract binary(floor: number): Expression;

  /** Does the token begin an expression? */
  protected startsExpression(token: Token = this.token): boolean {
    switch (token.type) {
      case T.Name:
        return !KEYWORDS.has(token.value) || /^(?:None|True|False|not|lambda|await|yield)$/.test(token.value);
      case T.Number: case T.String: case T.FStart: case T.Fault:
        return true;
      case T.Op:
        return /^(?:[([{~+-]|\.\.\.)$/.test(token.value);
      default:
        return false;
    }
  }

  protected starred(): Expression {
    const start = this.token.start;
    this.at++;
    const value = this.binary(1);
    return new Expression('starred', start, this.last, '', [value]);
  }

  /** One starred expression without a comma is no tuple, and stands nowhere else. */
  protected refuseStar(value: Expression): void {
    if (value.kind === 'starred') this.fault('starred.misplaced', "can't use starred expression here", value.start, value.end);
  }

  protected isOpToken(token: Token, value: string): boolean {
    return token.type === T.Op && token.value === value;
  }

  protected limitChain(length: number, start: number): void {
    if (length > MAX_CHAIN) this.refuseAt('syntax.deep', 'too deeply nested to be compiled', start, this.last);
  }

  protected primary(): Expression {
    const start = this.token.start;
    let value = this.atom();
    for (let chain = 0; ; chain++) {
      const token = this.token;
      if (token.type !== T.Op) return value;
      if (token.value === '.') {
        this.at++;
        const name = this.needName();
        value = new Expression('attribute', start, name.end, name.value, [value]);
      } else if (token.value === '(') {
        this.at++;
        const items = this.callArguments();
        value = new Expression('call', start, this.last, '', [value, ...items]);
      } else if (token.value === '[') {
        this.at++;
        const index = this.slices();
        this.closeBracket(']', index);
        value = new Expression('subscript', start, this.last, '', [value, index]);
      } else return value;
      this.limitChain(chain, start);
    }
  }

  /** Takes the closing bracket, or says that a comma was forgotten where another expression follows. */
  protected closeBracket(closer: string, before: Expression | null): void {
    if (this.takeOp(closer)) return;
    if (before) this.checkComma(before);
    this.refuse();
  }

  /** Another expression right after one, inside brackets: a comma was forgotten. */
  protected checkComma(before: Expression): void {
    const { type, end } = this.token;
    if (type === T.Fault || !this.startsExpression() || this.isOp('(') || this.isOp('[') || this.isWord('yield')) return;
    if (before.kind === 'name' && (before.text === 'print' || before.text === 'exec')) {
      this.refuseAt('syntax.python2', `Missing parentheses in call to '${before.text}'. Did you mean ${before.text}(...)?`, before.start, end);
    }
    // CPython is silent where a string follows a name, which looks like a prefix, and after soft keywords.
    if ((before.kind === 'name' && type === T.String) || /^(?:match|case|type|_)\b/.test(this.text.slice(before.start, before.start + 6))) return;
    this.refuseAt('syntax.comma', 'invalid syntax. Perhaps you forgot a comma?', before.start, end);
  }

  protected slices(): Expression {
    const start = this.token.start;
    const first = this.isOp('*') ? this.starredArgument() : this.slice();
    if (!this.isOp(',')) {
      return first.kind === 'starred' ? new Expression('tuple', start, this.last, '', [first]) : first;
    }
    const items = [first];
    while (this.takeOp(',')) {
      if (this.isOp(']')) break;
      items.push(this.isOp('*') ? this.starredArgument() : this.slice());
    }
    return new Expression('tuple', start, this.last, '', fitted(items));
  }

  protected slice(): Expression {
    const start = this.token.start;
    const items: Expression[] = [];
    if (!this.isOp(':')) {
      const first = this.namedExpression();
      if (!this.isOp(':')) return first;
      if (first.kind === 'named' && !first.paren) this.refuse();
      items.push(first);
    }
    this.at++;
    if (this.sliceBound()) items.push(this.expression());
    if (this.takeOp(':') && this.sliceBound()) items.push(this.expression());
    return new Expression('slice', start, this.last, '', fitted(items));
  }

  protected sliceBound(): boolean {
    return !this.isOp(':') && !this.isOp(',') && !this.isOp(']');
  }

  /** `*expression` of a call or a subscript. */
  protected starredArgument(): Expression {
    const start = this.token.start;
    this.at++;
    const unread = this.isWord('yield');
    const value = this.reading(() => this.expression(), (begun) => (begun && !unread ? null : 'Invalid star expression'));
    return new Expression('starred', start, this.last, '', [value]);
  }

  /** Arguments after `(`, the closing bracket included. */
  protected callArguments(): Expression[] {
    const items: Expression[] = [];
    while (!this.isOp(')')) {
      items.push(this.argument(items.length));
      if (!this.takeOp(',')) break;
    }
    this.closeBracket(')', items[items.length - 1] ?? null);
    checkArguments(items, this.report);
    return items;
  }

  protected argument(before: number): Expression {
    const token = this.token;
    if (this.isOp('*')) return this.starredArgument();
    if (this.takeOp('**')) {
      const value = this.expression();
      return new Expression('keyword', token.start, this.last, '', [value]);
    }
    if (token.type === T.Name && this.isOpToken(this.peek(), '=')) {
      if (KEYWORDS.has(token.value)) {
        if (/^(?:None|True|False)$/.test(token.value)) this.refuseAt('argument.keyword', `cannot assign to ${token.value}`, token.start, this.peek().end);
        this.refuse();
      }
      this.at += 2;
      if (this.isOp(',') || this.isOp(')')) this.refuseAt('argument.keyword', 'expected argument value expression', token.start, this.last);
      this.checkBound(token);
      const value = this.expression();
      if (this.isWord('for')) this.refuseAt('argument.keyword', "invalid syntax. Maybe you meant '==' or ':=' instead of '='?", token.start, this.peek(0).start);
      return new Expression('keyword', token.start, this.last, token.value, [value]);
    }
    const value = this.namedExpression(false);
    if (this.isOp('=')) {
      this.refuseAt('argument.keyword', 'expression cannot contain assignment, perhaps you meant "=="?', value.start, this.token.end);
    }
    if (!this.isFor()) return value;
    const clauses = this.clauses();
    const node = new Expression('comprehension', value.start, this.last, 'generator', [value]).with(null, fitted(clauses));
    if (before > 0 || !this.isOp(')')) {
      if (this.is(T.Fault) || !(this.isOp(',') || this.isOp(')'))) this.closeBracket(')', node);
      this.fault('argument.generator', 'Generator expression must be parenthesized', node.start, node.end);
    }
    return node;
  }

  protected isFor(): boolean {
    return this.isWord('for') || (this.isWord('async') && this.peek().type === T.Name && this.peek().value === 'for');
  }

  protected clauses(): Clause[] {
    const clauses: Clause[] = [];
    while (this.isFor()) {
      const start = this.token.start;
      const async = this.takeWord('async');
      this.at++;
      const starred = this.isOp('*');
      const target = this.reading(() => this.targetList(), (begun) => (begun && !starred ? NO_IN : null));
      if (!this.isWord('in')) this.refuse(starred ? undefined : NO_IN);
      checkBind(target, this.report);
      this.at++;
      const iterable = this.disjunction();
      const conditions: Expression[] = [];
      while (this.takeWord('if')) conditions.push(this.disjunction());
      clauses.push({ target, iterable, conditions: fitted(conditions), async, start });
    }
    return clauses;
  }

  /** Targets of `for`, up to `in`. */
  protected targetList(): Expression {
    const start = this.token.start;
    const one = (): Expression => (this.isOp('*') ? this.starred() : this.binary(1));
    const first = one();
    if (!this.isOp(',')) return first;
    const items = [first];
    while (this.takeOp(',')) {
      if (!this.startsExpression() && !this.isOp('*')) break;
      items.push(one());
    }
    return new Expression('tuple', start, this.last, '', fitted(items));
  }

  protected atom(): Expression {
    const token = this.token;
    switch (token.type) {
      case T.Name: {
        const constant = token.value === 'None' || token.value === 'True' || token.value === 'False';
        if (!constant && KEYWORDS.has(token.value)) this.refuse();
        this.at++;
        return new Expression(constant ? 'constant' : 'name', token.start, token.end, token.value, NONE);
      }
      case T.Number:
        this.at++;
        return new Expression('constant', token.start, token.end, 'number', NONE);
      case T.String:
      case T.FStart:
        return this.strings();
      case T.Op:
        if (token.value === '(') return this.group();
        if (token.value === '[') return this.listDisplay();
        if (token.value === '{') return this.braces();
        if (token.value === '...') {
          this.at++;
          return new Expression('constant', token.start, token.end, '...', NONE);
        }
        return this.refuse();
      default:
        return this.refuse();
    }
  }

  /** Literals in a row are one. */
  protected strings(): Expression {
    const start = this.token.start;
    const values: Expression[] = [];
    let bytes = 0, texts = 0, formatted = 0, templates = 0;
    for (;;) {
      const token = this.token;
      if (token.type === T.String) {
        if (token.value.includes('b')) bytes++;
        else texts++;
        this.at++;
      } else if (token.type === T.FStart) {
        if (token.value.includes('t')) templates++;
        else formatted++;
        this.formatted(values);
      } else break;
    }
    const end = this.last;
    if (bytes > 0 && texts + formatted + templates > 0) this.fault('string.mixed', templates > 0 ? 'cannot mix t-string literals with string or bytes literals' : 'cannot mix bytes and nonbytes literals', start, end);
    else if (templates > 0 && texts + formatted > 0) this.fault('string.mixed', 'cannot mix t-string literals with string or bytes literals', start, end);
    if (formatted + templates > 0) return new Expression('fstring', start, end, templates > 0 ? 't' : 'f', fitted(values));
    return new Expression('string', start, end, bytes > 0 ? 'b' : '', NONE);
  }

  protected formatted(values: Expression[]): void {
    const { value: prefix } = this.token;
    const label = prefix.includes('t') ? 't-string' : 'f-string';
    this.at++;
    while (this.is(T.FOpen)) this.field(label, values);
    if (!this.is(T.FEnd)) this.refuse();
    this.at++;
  }

  protected field(label: string, values: Expression[]): void {
    this.enter();
    const open = this.token;
    this.at++;
    const before = this.token;
    if (before.type === T.FClose) this.refuse(`${label}: valid expression required before '}'`, 'string.field');
    if (before.type === T.FColon || (before.type === T.Op && (before.value === '=' || before.value === '!'))) {
      this.refuse(`${label}: valid expression required before '${before.value}'`, 'string.field');
    }
    const expected = `${label}: expecting '=', or '!', or ':', or '}'`;
    const value = this.reading(() => this.assigned(), (begun) => (begun ? expected : `${label}: expecting a valid expression after '{'`), 'string.field');
    this.refuseStar(value);
    values.push(value);
    const shown = this.takeOp('=');
    const converted = this.takeOp('!');
    if (converted) {
      const name = this.token;
      if (name.type === T.FColon || name.type === T.FClose) this.refuse(`${label}: missing conversion character`, 'string.field');
      if (name.type === T.Name && name.start !== this.last) this.refuse(`${label}: conversion type must come right after the exclamation mark`, 'string.field');
      if (name.type !== T.Name || !/^[sra]$/.test(name.value)) {
        this.refuse(`${label}: invalid conversion character${name.type === T.Name ? ` '${name.value}': expected 's', 'r', or 'a'` : ''}`, 'string.field');
      }
      this.at++;
    }
    if (this.is(T.FColon)) {
      this.at++;
      while (this.is(T.FOpen)) this.field(label, values);
    }
    if (!this.is(T.FClose)) {
      if (this.is(T.Fault)) this.refuse();
      if (!shown && !converted) this.checkComma(value);
      this.refuseAt('string.field', shown && !converted ? `${label}: expecting '!', or ':', or '}'` : expected, open.start, this.token.end);
    }
    this.at++;
    this.depth--;
  }

  protected group(): Expression {
    this.enter();
    const start = this.token.start;
    this.at++;
    if (this.takeOp(')')) {
      this.depth--;
      return new Expression('tuple', start, this.last, '', NONE);
    }
    if (this.isWord('yield')) {
      const value = this.yielded();
      this.closeBracket(')', value);
      this.depth--;
      value.enclose();
      return value;
    }
    const first = this.starNamed();
    let node: Expression;
    if (this.isOp(',')) {
      const items = this.restOf(first, ')');
      this.closeBracket(')', items[items.length - 1]!);
      node = new Expression('tuple', start, this.last, '', fitted(items));
    } else if (this.isFor()) {
      node = this.comprehension('generator', [first], start, ')');
    } else {
      if (first.kind === 'starred' && this.isOp(')')) this.fault('starred.misplaced', 'cannot use starred expression here', first.start, first.end);
      this.closeBracket(')', first);
      first.enclose();
      node = first;
    }
    this.depth--;
    return node;
  }

  protected starNamed(): Expression {
    return this.isOp('*') ? this.starred() : this.namedExpression();
  }

  /** The rest of a display after its first element: `, b, *c ,`. */
  protected restOf(first: Expression, closer: string): Expression[] {
    const items = [first];
    while (this.takeOp(',')) {
      if (this.isOp(closer)) break;
      items.push(this.starNamed());
    }
    return items;
  }

  protected comprehension(flavour: string, elements: Expression[], start: number, closer: string): Expression {
    const first = elements[0]!;
    if (first.kind === 'starred') this.fault('starred.misplaced', 'iterable unpacking cannot be used in comprehension', first.start, first.end);
    const clauses = this.clauses();
    const before = clauses[clauses.length - 1]!;
    this.closeBracket(closer, before.conditions[before.conditions.length - 1] ?? before.iterable);
    return new Expression('comprehension', start, this.last, flavour, fitted(elements)).with(null, fitted(clauses));
  }

  protected listDisplay(): Expression {
    this.enter();
    const start = this.token.start;
    this.at++;
    let node: Expression;
    if (this.takeOp(']')) node = new Expression('list', start, this.last, '', NONE);
    else {
      const first = this.starNamed();
      if (this.isFor()) node = this.comprehension('list', [first], start, ']');
      else {
        const items = this.restOf(first, ']');
        this.closeBracket(']', items[items.length - 1]!);
        node = new Expression('list', start, this.last, '', fitted(items));
      }
    }
    this.depth--;
    return node;
  }

  protected braces(): Expression {
    this.enter();
    const start = this.token.start;
    this.at++;
    let node: Expression;
    if (this.takeOp('}')) node = new Expression('dict', start, this.last, '', NONE);
    else if (this.isOp('**')) node = this.dictDisplay([], start);
    else {
      const first = this.starNamed();
      if (this.isOp(':') && first.kind !== 'starred' && (first.kind !== 'named' || first.paren)) node = this.dictDisplay([first], start);
      else if (this.isFor()) node = this.comprehension('set', [first], start, '}');
      else {
        const items = this.restOf(first, '}');
        this.closeBracket('}', items[items.length - 1]!);
        node = new Expression('set', start, this.last, '', fitted(items));
      }
    }
    this.depth--;
    return node;
  }

  /** A dictionary whose first key may have been read already. */
  protected dictDisplay(items: Expression[], start: number): Expression {
    for (let pair = 0; !this.isOp('}'); pair++) {
      if (this.takeOp('**')) {
        const splat = this.binary(1);
        items.push(splat);
        if (pair === 0 && this.isFor()) {
          this.refuseAt('starred.misplaced', 'dict unpacking cannot be used in dict comprehension', splat.start, splat.end);
        }
      } else {
        if (pair > 0 || items.length === 0) items.push(this.expression());
        if (!this.isOp(':') && !this.is(T.Fault)) {
          if (this.isOp('}') || this.isOp(',')) {
            const key = items[items.length - 1]!;
            this.refuseAt('syntax.invalid', "':' expected after dictionary key", key.start, key.end);
          }
          this.closeBracket(':', items[items.length - 1]!);
        }
        this.needOp(':');
        if (this.isOp('}') || this.isOp(',')) this.refuse("expression expected after dictionary key and ':'");
        if (this.isOp('*')) this.refuse('cannot use a starred expression in a dictionary value', 'starred.misplaced');
        items.push(this.expression());
        if (pair === 0 && this.isFor()) return this.comprehension('dict', items, start, '}');
      }
      if (!this.takeOp(',')) break;
    }
    this.closeBracket('}', items[items.length - 1] ?? null);
    return new Expression('dict', start, this.last, '', fitted(items));
  }
}
