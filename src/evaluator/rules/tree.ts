/**
 * The strict syntax tree that the grammar builds and the later rules read: expressions as one class (most rules only walk their
 * parts), statements as a union (each has its own rules). Offsets are UTF-16 units. Not here: tree-sitter's tree, which shapes
 * and bigrams are taken from.
 */

/** Room that an array has after its first `push`: lists longer than this waste little of theirs. */
const ROOM = 20;
const NOTHING: readonly never[] = [];

/** The list in an array without room for more: most lists of a tree hold an element or two, and the tree of a megabyte has a million of them. */
export function fitted<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NOTHING : list.length < ROOM ? list.slice() : list;
}

export type ExpressionKind =
  | 'name' | 'constant' | 'string' | 'fstring' | 'attribute' | 'subscript' | 'call' | 'keyword' | 'starred' | 'tuple' | 'list' | 'set'
  | 'dict' | 'binary' | 'unary' | 'compare' | 'boolean' | 'lambda' | 'conditional' | 'comprehension' | 'yield' | 'await' | 'named' | 'slice';

/** What few expressions have. */
interface Detail {
  readonly paren: boolean;
  readonly parameters: Parameters | null;
  readonly clauses: readonly Clause[] | null;
}

const PLAIN: Detail = { paren: false, parameters: null, clauses: null };
const IN_PARENTHESES: Detail = { paren: true, parameters: null, clauses: null };

/** `text`: a name's or keyword's name, an operator, a constant's spelling, a comprehension's flavour, `from` of a yield. */
export class Expression {
  private detail = PLAIN;
  constructor(
    readonly kind: ExpressionKind,
    readonly start: number,
    readonly end: number,
    readonly text: string,
    readonly items: readonly Expression[],
  ) {}

  /** In parentheses of its own (a tuple's parentheses are not counted). */
  get paren(): boolean {
    return this.detail.paren;
  }

  get parameters(): Parameters | null {
    return this.detail.parameters;
  }

  get clauses(): readonly Clause[] | null {
    return this.detail.clauses;
  }

  /** From here on it is known to stand in parentheses. */
  enclose(): void {
    this.detail = this.detail === PLAIN ? IN_PARENTHESES : { ...this.detail, paren: true };
  }

  /** The expression, with the parameters of a lambda or the clauses of a comprehension. */
  with(parameters: Parameters | null, clauses: readonly Clause[] | null): this {
    this.detail = { paren: false, parameters, clauses };
    return this;
  }
}

/** `for target in iterable if …` of a comprehension. */
export interface Clause {
  readonly target: Expression;
  readonly iterable: Expression;
  readonly conditions: readonly Expression[];
  readonly async: boolean;
  readonly start: number;
}

export interface Parameter {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly annotation: Expression | null;
  readonly initial: Expression | null;
}

export interface Parameters {
  readonly all: readonly Parameter[];
}

export interface TypeParameter {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly bound: Expression | null;
  readonly initial: Expression | null;
}

export interface NameAt {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export interface Handler {
  readonly type: Expression | null;
  readonly name: NameAt | null;
  readonly body: readonly Statement[];
  readonly start: number;
  readonly end: number;
}

export interface Case {
  /** Names the pattern binds and expressions it reads. */
  readonly bindings: readonly NameAt[];
  readonly values: readonly Expression[];
  readonly guard: Expression | null;
  readonly body: readonly Statement[];
}

interface At {
  readonly start: number;
  readonly end: number;
}

export type Statement = At &
  (
    | { readonly kind: 'expression'; readonly value: Expression }
    | { readonly kind: 'assign'; readonly targets: readonly Expression[]; readonly value: Expression }
    | { readonly kind: 'annotated'; readonly target: Expression; readonly annotation: Expression; readonly value: Expression | null }
    | { readonly kind: 'augmented'; readonly target: Expression; readonly value: Expression }
    | { readonly kind: 'return'; readonly value: Expression | null }
    | { readonly kind: 'delete'; readonly targets: readonly Expression[] }
    | { readonly kind: 'raise' | 'assert'; readonly values: readonly Expression[] }
    | { readonly kind: 'pass' | 'break' | 'continue' }
    | { readonly kind: 'global' | 'nonlocal'; readonly names: readonly NameAt[] }
    | { readonly kind: 'import'; readonly names: readonly NameAt[]; readonly from: string | null; readonly features: readonly NameAt[]; readonly star: boolean }
    | { readonly kind: 'if'; readonly tests: readonly Expression[]; readonly bodies: readonly (readonly Statement[])[] }
    | { readonly kind: 'while'; readonly test: Expression; readonly body: readonly Statement[]; readonly otherwise: readonly Statement[] }
    | { readonly kind: 'for'; readonly target: Expression; readonly iterable: Expression; readonly body: readonly Statement[]; readonly otherwise: readonly Statement[]; readonly async: boolean }
    | { readonly kind: 'try'; readonly body: readonly Statement[]; readonly handlers: readonly Handler[]; readonly group: boolean; readonly otherwise: readonly Statement[]; readonly last: readonly Statement[] }
    | { readonly kind: 'with'; readonly values: readonly Expression[]; readonly targets: readonly Expression[]; readonly body: readonly Statement[]; readonly async: boolean }
    | { readonly kind: 'match'; readonly subject: Expression; readonly cases: readonly Case[] }
    | { readonly kind: 'type'; readonly name: NameAt; readonly types: readonly TypeParameter[]; readonly value: Expression }
    | {
        readonly kind: 'def'; readonly name: NameAt; readonly types: readonly TypeParameter[]; readonly parameters: Parameters;
        readonly returns: Expression | null; readonly body: readonly Statement[]; readonly async: boolean; readonly decorators: readonly Expression[];
      }
    | {
        readonly kind: 'class'; readonly name: NameAt; readonly types: readonly TypeParameter[]; readonly bases: readonly Expression[];
        readonly body: readonly Statement[]; readonly decorators: readonly Expression[];
      }
    /** A statement that could not be read; what could be read of its body is kept. */
    | { readonly kind: 'broken'; readonly body: readonly Statement[] }
  );
