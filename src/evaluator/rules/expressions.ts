/**
 * The grammar of expressions (The Python Language Reference, 6.4 to 6.16, and PEP 572), read by recursive descent over strict
 * tokens, a method a production. Not here: primaries (primaries.ts), parameters of functions (parameters.ts), statements, and rules
 * that need to know where an expression stands (placement.ts, scopes.ts).
 */
import { NONE, PrimaryReader } from './primaries.ts';
import { describe } from './targets.ts';
import { KEYWORDS, T } from './tokens.ts';
import { Expression, fitted, type Parameter, type Parameters } from './tree.ts';

const COMPARISONS: ReadonlySet<string> = new Set(['<', '>', '==', '>=', '<=', '!=']);
/** Binary operators by how tightly they bind. */
const BINDING: Readonly<Record<string, number>> = { '|': 1, '^': 2, '&': 3, '<<': 4, '>>': 4, '+': 5, '-': 5, '*': 6, '/': 6, '//': 6, '%': 6, '@': 6 };

export abstract class ExpressionReader extends PrimaryReader {
  /** Parameters up to (not including) `closer`; annotations only where a def allows them. */
  protected abstract parameters(closer: string, annotated: boolean): Parameters;

  /** `a, *b, c`: a tuple where there is a comma, else the one expression. */
  protected starExpressions(): Expression {
    const start = this.token.start;
    const first = this.starExpression();
    if (!this.isOp(',')) return first;
    const items = [first];
    while (this.takeOp(',')) {
      if (!this.startsExpression() && !this.isOp('*')) break;
      items.push(this.starExpression());
    }
    return new Expression('tuple', start, this.last, '', fitted(items));
  }

  protected starExpression(): Expression {
    return this.isOp('*') ? this.starred() : this.expression();
  }

  /** The value after `=`: a yield or star expressions. */
  protected assigned(): Expression {
    return this.isWord('yield') ? this.yielded() : this.starExpressions();
  }

  protected yielded(): Expression {
    const start = this.token.start;
    this.at++;
    if (this.takeWord('from')) {
      const value = this.expression();
      return new Expression('yield', start, this.last, 'from', [value]);
    }
    const items = this.startsExpression() || this.isOp('*') ? [this.starExpressions()] : NONE;
    if (items[0]) this.refuseStar(items[0]);
    return new Expression('yield', start, this.last, '', items);
  }

  /** `name := expression` or an expression; `compared`: an `=` after it was meant as `==`. */
  protected namedExpression(compared = true): Expression {
    const token = this.token;
    if (token.type === T.Name && this.isOpToken(this.peek(), ':=')) {
      if (KEYWORDS.has(token.value)) {
        if (/^(?:None|True|False)$/.test(token.value)) this.refuseAt('target.named', `cannot use assignment expressions with ${token.value}`, token.start, token.end);
        this.refuse();
      }
      this.at += 2;
      this.checkBound(token);
      const target = new Expression('name', token.start, token.end, token.value, NONE);
      const value = this.expression();
      return new Expression('named', token.start, this.last, '', [target, value]);
    }
    const value = this.expression();
    if (this.isOp(':=')) this.refuseAt('target.named', `cannot use assignment expressions with ${describe(value)}`, value.start, value.end);
    if (compared && this.isOp('=')) {
      const bare = value.kind === 'name';
      this.refuseAt(
        'syntax.comparison',
        bare ? "invalid syntax. Maybe you meant '==' or ':=' instead of '='?" : `cannot assign to ${describe(value)} here. Maybe you meant '==' instead of '='?`,
        value.start, value.end,
      );
    }
    return value;
  }

  expression(): Expression {
    this.enter();
    if (this.isWord('lambda')) {
      const lambda = this.lambda();
      this.depth--;
      return lambda;
    }
    const start = this.token.start;
    const value = this.disjunction();
    if (!this.takeWord('if')) {
      this.depth--;
      return value;
    }
    const test = this.disjunction();
    if (!this.isWord('else')) {
      if (this.isOp(':')) this.refuse();
      this.refuseIf(start);
    }
    this.at++;
    const otherwise = this.expression();
    this.depth--;
    return new Expression('conditional', start, this.last, '', [value, test, otherwise]);
  }

  private refuseIf(start: number): never {
    if (this.is(T.Fault)) this.refuse();
    this.refuseAt('syntax.else', "expected 'else' after 'if' expression", start, this.last);
  }

  private lambda(): Expression {
    const start = this.token.start;
    this.at++;
    const parameters = this.parameters(':', false);
    this.needOp(':');
    const body = this.expression();
    return new Expression('lambda', start, this.last, '', [body]).with(parameters, null);
  }

  protected disjunction(): Expression {
    const start = this.token.start;
    const first = this.conjunction();
    if (!this.isWord('or')) return first;
    const items = [first];
    while (this.takeWord('or')) items.push(this.conjunction());
    return new Expression('boolean', start, this.last, 'or', fitted(items));
  }

  private conjunction(): Expression {
    const start = this.token.start;
    const first = this.inversion();
    if (!this.isWord('and')) return first;
    const items = [first];
    while (this.takeWord('and')) items.push(this.inversion());
    return new Expression('boolean', start, this.last, 'and', fitted(items));
  }

  private inversion(): Expression {
    if (!this.isWord('not')) return this.comparison();
    this.enter();
    const start = this.token.start;
    this.at++;
    const value = this.inversion();
    this.depth--;
    return new Expression('unary', start, this.last, 'not', [value]);
  }

  private comparison(): Expression {
    const start = this.token.start;
    const first = this.binary(1);
    if (!this.comparator()) return first;
    const items = [first, this.binary(1)];
    if (!this.comparator()) return new Expression('compare', start, this.last, '', items);
    do items.push(this.binary(1));
    while (this.comparator());
    this.limitChain(items.length, start);
    return new Expression('compare', start, this.last, '', fitted(items));
  }

  private comparator(): boolean {
    const token = this.token;
    if (token.type === T.Op) {
      if (!COMPARISONS.has(token.value)) return false;
      this.at++;
      return true;
    }
    if (token.type !== T.Name) return false;
    if (token.value === 'in') this.at++;
    else if (token.value === 'is') this.at += this.peek().type === T.Name && this.peek().value === 'not' ? 2 : 1;
    else if (token.value === 'not' && this.peek().type === T.Name && this.peek().value === 'in') this.at += 2;
    else return false;
    return true;
  }

  /** Binary operators that bind at least as tightly as `floor`; operands of one level are kept flat. */
  protected binary(floor: number): Expression {
    const start = this.token.start;
    const left = this.factor();
    let flat: Expression[] | null = null;
    for (;;) {
      const token = this.token;
      const level = token.type === T.Op ? BINDING[token.value] : undefined;
      if (level === undefined || level < floor) break;
      this.at++;
      if (this.isWord('not')) this.refuse();
      const right = this.binary(level + 1);
      if (flat) flat.push(right);
      else flat = [left, right];
    }
    if (!flat) return left;
    this.limitChain(flat.length, start);
    return new Expression('binary', start, this.last, '', flat.length === 2 ? flat : fitted(flat));
  }

  private factor(): Expression {
    const token = this.token;
    if (token.type === T.Op && (token.value === '-' || token.value === '+' || token.value === '~')) {
      this.enter();
      this.at++;
      const value = this.factor();
      this.depth--;
      return new Expression('unary', token.start, this.last, token.value, [value]);
    }
    const awaits = this.takeWord('await');
    let base = this.primary();
    if (awaits) base = new Expression('await', token.start, this.last, '', [base]);
    if (!this.isOp('**')) return base;
    this.enter();
    this.at++;
    const power = this.factor();
    this.depth--;
    return new Expression('binary', token.start, this.last, '**', [base, power]);
  }

  protected parameter(annotated: boolean, starAnnotation: boolean): Parameter {
    const token = this.needName();
    this.checkBound(token);
    let annotation: Expression | null = null;
    if (annotated && this.takeOp(':')) annotation = starAnnotation && this.isOp('*') ? this.starred() : this.expression();
    return { name: token.value, start: token.start, end: token.end, annotation, initial: null };
  }
}
