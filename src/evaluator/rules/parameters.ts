/**
 * The grammar of parameters and of type parameters (The Python Language Reference, 8.7 and 8.10): order of `/`, `*` and defaults,
 * repeated names. Not here: annotations' own rules (placement.ts).
 */
import { ExpressionReader } from './expressions.ts';
import { T } from './tokens.ts';
import { fitted, type Parameter, type Parameters, type TypeParameter } from './tree.ts';

/** Parameters that are compared one by one. */
const FEW = 8;

export abstract class ParameterReader extends ExpressionReader {
  protected parameters(closer: string, annotated: boolean): Parameters {
    const all: Parameter[] = [];
    let slash = false, star = false, bareStar = false, splat = false, defaults = false;
    let names: Set<string> | null = null;
    const isTaken = (name: string): boolean => {
      if (all.length < FEW) return all.some((other) => other.name === name);
      names ??= new Set(all.map((other) => other.name));
      return names.size === names.add(name).size;
    };
    const add = (parameter: Parameter): void => {
      if (isTaken(parameter.name)) this.fault('parameter.repeated', `duplicate parameter '${parameter.name}' in function definition`, parameter.start, parameter.end);
      all.push(parameter);
    };
    while (!this.isOp(closer)) {
      const token = this.token;
      if (splat && (token.type === T.Name || this.isOp('*') || this.isOp('**') || this.isOp('/'))) {
        this.refuse('arguments cannot follow var-keyword argument', 'parameter.order');
      }
      if (this.takeOp('**')) {
        if (bareStar) this.refuseAt('parameter.order', 'named arguments must follow bare *', token.start, token.end);
        add(this.parameter(annotated, false));
        if (this.isOp('=')) this.refuse('var-keyword argument cannot have default value', 'parameter.order');
        splat = true;
      } else if (this.takeOp('*')) {
        if (star) this.refuseAt('parameter.order', '* argument may appear only once', token.start, token.end);
        star = true;
        if (this.isOp(',') || this.isOp(closer)) {
          if (this.isOp(closer)) this.refuseAt('parameter.order', 'named arguments must follow bare *', token.start, token.end);
          bareStar = true;
        } else {
          add(this.parameter(annotated, true));
          if (this.isOp('=')) this.refuse('var-positional argument cannot have default value', 'parameter.order');
        }
      } else if (this.takeOp('/')) {
        if (slash) this.refuseAt('parameter.order', '/ may appear only once', token.start, token.end);
        if (star) this.refuseAt('parameter.order', '/ must be ahead of *', token.start, token.end);
        if (all.length === 0) this.refuseAt('parameter.order', 'at least one argument must precede /', token.start, token.end);
        if (this.isOp('*')) this.refuse('expected comma between / and *', 'parameter.order');
        slash = true;
      } else {
        if (this.isOp('(')) this.parenthesized(closer, !slash && !star && !defaults);
        const plain = this.parameter(annotated, false);
        if (this.takeOp('=')) {
          if (this.isOp(',') || this.isOp(closer)) this.refuse('expected default value expression', 'parameter.order');
          add({ ...plain, initial: this.expression() });
          if (!star) defaults = true;
        } else {
          if (defaults && !star) this.fault('parameter.order', 'parameter without a default follows parameter with a default', plain.start, plain.end);
          add(plain);
        }
        bareStar = false;
      }
      if (!this.takeOp(',')) {
        const before = all[all.length - 1];
        const value = before?.initial ?? before?.annotation;
        if (value && closer === ')' && !this.isOp(closer)) this.checkComma(value);
        break;
      }
      if (bareStar && this.isOp(closer)) this.refuse('named arguments must follow bare *', 'parameter.order');
    }
    return { all: fitted(all) };
  }

  /** Parameters in parentheses, as Python 2 had them. CPython knows plain ones, after plain ones. */
  private parenthesized(closer: string, plain: boolean): never {
    const open = this.token;
    let at = this.at + 1;
    while (this.isName(this.tokens[at]!) && this.isOpToken(this.tokens[at + 1]!, ',')) at += 2;
    if (this.isName(this.tokens[at]!)) at++;
    const annotated = closer === ')' && this.isOpToken(this.tokens[at]!, ':');
    const close = this.tokens[at]!;
    if (!plain || at === this.at + 1 || !(annotated || this.isOpToken(close, ')'))) this.refuse();
    const message = closer === ':' ? 'Lambda expression parameters cannot be parenthesized' : 'Function parameters cannot be parenthesized';
    return this.refuseAt('parameter.order', message, open.start, close.end, true);
  }

  /** `[T: bound = default, *Ts, **P]`, when one is there. */
  protected typeParameters(): TypeParameter[] {
    const list: TypeParameter[] = [];
    if (!this.isOp('[')) return list;
    const open = this.token;
    this.at++;
    if (this.isOp(']')) this.refuse('Type parameter list cannot be empty', 'scope.type');
    const names = new Set<string>();
    let defaults = false;
    while (!this.isOp(']')) {
      const stars = this.takeOp('**') ? 2 : this.takeOp('*') ? 1 : 0;
      const token = this.needName();
      const { value: name, start, end } = token;
      this.checkBound(token);
      if (names.has(name)) this.fault('scope.type', `duplicate type parameter '${name}'`, start, end);
      names.add(name);
      if (this.isOp(':') && stars > 0) this.refuse(`cannot use bound with ${stars === 1 ? 'TypeVarTuple' : 'ParamSpec'}`, 'scope.type');
      const bound = this.takeOp(':') ? this.expression() : null;
      let initial = null;
      if (this.takeOp('=')) {
        initial = stars === 1 ? this.starExpression() : this.expression();
        defaults = true;
      } else if (defaults) this.fault('scope.type', `non-default type parameter '${name}' follows default type parameter`, start, end);
      list.push({ name, start, end, bound, initial });
      if (!this.takeOp(',')) break;
    }
    if (!this.takeOp(']')) {
      if (this.is(T.Fault)) this.refuse();
      this.refuseAt('syntax.invalid', 'invalid syntax', open.start, this.token.end);
    }
    return list;
  }
}
