/**
 * The grammar of `match` patterns (The Python Language Reference, 8.6.4) with its rules on bindings and on patterns that make
 * what follows unreachable.
 */
import { ParameterReader } from './parameters.ts';
import { T, type Token } from './tokens.ts';
import { Expression, fitted, type NameAt } from './tree.ts';

/** What one pattern amounts to. */
interface Pattern {
  /** Matches anything: a wildcard or a bare capture. */
  readonly irrefutable: 'wildcard' | 'capture' | null;
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export abstract class PatternReader extends ParameterReader {
  private bindings: NameAt[] = [];
  private values: Expression[] = [];

  /** The patterns after `case`, an open sequence included. */
  protected casePattern(): { readonly bindings: readonly NameAt[]; readonly values: readonly Expression[]; readonly irrefutable: Pattern | null } {
    this.bindings = [];
    this.values = [];
    const start = this.token.start;
    const star = this.isOp('*');
    const first = star ? this.starPattern() : this.asPattern();
    let pattern = first;
    if (this.isOp(',') || star) {
      if (!this.isOp(',')) this.refuse();
      this.sequenceRest(star, () => this.isOp(':') || this.isWord('if'));
      pattern = { irrefutable: null, name: '', start, end: this.last };
    }
    return { bindings: fitted(this.bindings), values: fitted(this.values), irrefutable: pattern.irrefutable ? pattern : null };
  }

  private bind(name: string, start: number, end: number): void {
    if (name === '_') return;
    if (this.bindings.some((other) => other.name === name)) this.fault('pattern.binding', `multiple assignments to name '${name}' in pattern`, start, end);
    if (name === '__debug__') this.fault('target.debug', 'cannot assign to __debug__', start, end);
    this.bindings.push({ name, start, end });
  }

  private sequenceRest(star: boolean, closed: () => boolean): void {
    let stars = star ? 1 : 0;
    while (this.takeOp(',')) {
      if (closed()) break;
      if (this.isOp('*')) {
        stars++;
        this.starPattern();
      } else this.asPattern();
    }
    if (stars > 1) this.fault('pattern.form', 'multiple starred expressions in sequence pattern', this.last - 1, this.last);
  }

  private starPattern(): Pattern {
    const start = this.token.start;
    this.at++;
    const name = this.needName();
    this.bind(name.value, name.start, name.end);
    return { irrefutable: null, name: '', start, end: name.end };
  }

  private asPattern(): Pattern {
    this.enter();
    const pattern = this.orPattern();
    this.depth--;
    if (!this.takeWord('as')) return pattern;
    const name = this.needName();
    if (name.value === '_') this.refuseAt('pattern.form', "cannot use '_' as a target", name.start, name.end);
    if (this.isOp('.') || this.isOp('(')) this.refuseAt('pattern.form', 'cannot use expression as pattern target', name.start, this.token.end);
    this.bind(name.value, name.start, name.end);
    // A name given to what matches anything still matches anything.
    return { ...pattern, end: name.end };
  }

  private orPattern(): Pattern {
    const start = this.token.start;
    const outer = this.bindings;
    this.bindings = [];
    let pattern = this.closedPattern();
    let firstNames: Set<string> | null = null;
    while (this.isOp('|')) {
      if (pattern.irrefutable) {
        const what = pattern.irrefutable === 'wildcard' ? 'wildcard' : `name capture '${pattern.name}'`;
        this.fault('pattern.unreachable', `${what} makes remaining patterns unreachable`, pattern.start, pattern.end);
      }
      firstNames ??= new Set(this.bindings.map(({ name }) => name));
      this.at++;
      const kept = this.bindings;
      this.bindings = [];
      pattern = this.closedPattern();
      const same = this.bindings.length === firstNames.size && this.bindings.every(({ name }) => firstNames!.has(name));
      if (!same) this.fault('pattern.binding', 'alternative patterns bind different names', start, this.last);
      this.bindings = kept;
    }
    const found = this.bindings;
    this.bindings = outer;
    for (const { name, start: from, end } of found) this.bind(name, from, end);
    // An alternative that ends in a wildcard matches anything.
    return pattern.irrefutable ? { ...pattern, start } : { irrefutable: null, name: '', start, end: this.last };
  }

  private closedPattern(): Pattern {
    const token = this.token;
    const plain = (): Pattern => ({ irrefutable: null, name: '', start: token.start, end: this.last });
    if (token.type === T.Number || this.isOp('-')) {
      this.signedNumber();
      return plain();
    }
    if (token.type === T.String || token.type === T.FStart) {
      const value = this.expressionAtom();
      if (value.kind === 'fstring') this.fault('pattern.form', 'patterns may only match literals and attribute lookups', value.start, value.end);
      return plain();
    }
    if (this.isOp('(') || this.isOp('[')) return this.groupPattern();
    if (this.isOp('{')) {
      this.mappingPattern();
      return plain();
    }
    if (token.type === T.Name && /^(?:None|True|False)$/.test(token.value)) {
      this.at++;
      return plain();
    }
    const name = this.needName();
    if (!this.isOp('.') && !this.isOp('(')) {
      this.bind(name.value, name.start, name.end);
      return { irrefutable: name.value === '_' ? 'wildcard' : 'capture', name: name.value, start: name.start, end: name.end };
    }
    if (name.value === '_') this.refuse(); // the grammar has taken it for the wildcard
    this.values.push(this.dotted(name));
    if (this.isOp('(')) this.classPattern();
    return plain();
  }

  /** A name that was read, and the attributes behind it. */
  private dotted(name: Token): Expression {
    let value = new Expression('name', name.start, name.end, name.value, []);
    while (this.takeOp('.')) {
      const part = this.needName();
      value = new Expression('attribute', name.start, part.end, part.value, [value]);
    }
    return value;
  }

  /** One atom: strings in a row. */
  private expressionAtom(): Expression {
    return this.binary(7);
  }

  private signedNumber(): void {
    this.takeOp('-');
    this.imaginary(false);
    if (this.isOp('+') || this.isOp('-')) {
      this.at++;
      this.imaginary(true);
    }
  }

  private imaginary(second: boolean): void {
    const token = this.token;
    if (token.type !== T.Number) this.refuse();
    this.at++;
    const imaginary = /[jJ]$/.test(token.value);
    if (second && !imaginary) this.fault('pattern.form', 'imaginary number required in complex literal', token.start, token.end);
    if (!second && imaginary && (this.isOp('+') || this.isOp('-'))) this.fault('pattern.form', 'real number required in complex literal', token.start, token.end);
  }

  private groupPattern(): Pattern {
    const start = this.token.start;
    const closer = this.isOp('(') ? ')' : ']';
    this.at++;
    let pattern: Pattern = { irrefutable: null, name: '', start, end: start };
    let sequence = closer === ']';
    if (!this.isOp(closer)) {
      const star = this.isOp('*');
      const first = star ? this.starPattern() : this.asPattern();
      if (this.isOp(',')) {
        sequence = true;
        this.sequenceRest(star, () => this.isOp(closer));
      } else if (star) {
        if (!sequence) this.refuse();
      } else if (!sequence) pattern = first;
    }
    this.needOp(closer);
    return sequence ? { irrefutable: null, name: '', start, end: this.last } : pattern;
  }

  private mappingPattern(): void {
    this.at++;
    const keys = new Set<string>();
    let rest = false;
    while (!this.isOp('}')) {
      if (rest) this.refuse();
      if (this.takeOp('**')) {
        const name = this.needName();
        if (name.value === '_') this.refuseAt('pattern.form', 'invalid syntax', name.start, name.end);
        this.bind(name.value, name.start, name.end);
        rest = true;
      } else {
        const start = this.token.start;
        if (this.is(T.Number) || this.isOp('-')) this.signedNumber();
        else if (this.is(T.String)) this.expressionAtom();
        else if (this.is(T.Name) && /^(?:None|True|False)$/.test(this.token.value)) this.at++;
        else {
          const name = this.needName();
          if (!this.isOp('.')) this.refuse();
          this.values.push(this.dotted(name));
        }
        const literal = keyValue(this.text.slice(start, this.last));
        if (literal !== null && keys.has(literal)) this.fault('pattern.form', `mapping pattern checks duplicate key (${literal})`, start, this.last);
        if (literal !== null) keys.add(literal);
        this.needOp(':');
        this.asPattern();
      }
      if (!this.takeOp(',')) break;
    }
    this.needOp('}');
  }

  private classPattern(): void {
    this.at++;
    const names = new Set<string>();
    let keyword = false, positional = false;
    while (!this.isOp(')')) {
      const token = this.token;
      const next = this.peek();
      // After positional patterns the grammar takes `_` for one more of them.
      if (this.isName() && next.type === T.Op && next.value === '=' && !(positional && !keyword && token.value === '_')) {
        keyword = true;
        if (names.has(token.value)) this.fault('pattern.form', `attribute name repeated in class pattern: ${token.value}`, token.start, token.end);
        names.add(token.value);
        this.checkBound(token);
        this.at += 2;
        this.asPattern();
      } else {
        if (keyword) this.refuse('positional patterns follow keyword patterns', 'pattern.form');
        positional = true;
        this.asPattern();
      }
      if (!this.takeOp(',')) break;
    }
    this.needOp(')');
  }
}

/** Two literal keys are the same when this is: numbers and booleans by value, plain strings without their quotes. Null for names. */
function keyValue(literal: string): string | null {
  if (literal === 'None') return literal;
  if (literal === 'True' || literal === 'False') return literal === 'True' ? '1' : '0';
  if (/^[A-Za-z_][\w.]*$/.test(literal)) return null;
  const text = /^u?(['"]{3}|['"])(.*)\1$/is.exec(literal);
  if (text && !text[2]!.includes('\\')) return `'${text[2]}'`;
  const number = Number(literal.replace(/\s|_/g, ''));
  return Number.isNaN(number) ? literal : String(number);
}
