/**
 * Measures of a text's statements: complexity, nesting, length, unreachable code, docstrings, annotations, names. Pure functions
 * over the strict syntax tree, so that they cost microseconds and need no linter. Not here: what is good (readability.ts).
 *
 * Sources: complexity from McCabe, "A complexity measure", IEEE TSE 2(4), 1976, counted as the tools `mccabe` and ruff (C901) count
 * it; documentation from PEP 257, annotations from PEP 484; names from Lawrie, Morrell, Feild and Binkley, "What's in a name? A study
 * of identifiers", ICPC 2006, who found full words and known abbreviations understood better than single letters.
 */
import { bodiesOf } from '../counts.ts';
import type { Expression, NameAt } from '../rules/tree.ts';
import type { Statement } from '../rules/index.ts';
import type { SourceText } from '../text.ts';

export interface Measures {
  readonly unreachable: number;
  readonly complexity: number;
  readonly nesting: number;
  readonly functionLines: number;
  readonly docstrings: number | null;
  readonly annotations: number | null;
  readonly naming: number | null;
}

type Definition = Extract<Statement, { kind: 'def' | 'class' }>;
type Function_ = Extract<Statement, { kind: 'def' }>;
type Block = readonly Statement[];

/** All measures of one text. */
export function measure(statements: Block, place: SourceText): Measures {
  const definitions = [...definitionsIn(statements)];
  const functions = definitions.filter((one): one is Function_ => one.kind === 'def');
  const complexities = functions.map(complexityOf);
  const lines = new CodeLines(place);
  return {
    unreachable: unreachableIn(statements),
    complexity: complexities.length === 0 ? 1 + decisions(statements) : Math.max(...complexities),
    nesting: Math.max(flowNesting(statements), ...functions.map(({ body }) => flowNesting(body))),
    functionLines: functions.length === 0 ? lines.between(0, place.text.length) : Math.max(...functions.map((one) => lines.of(one))),
    docstrings: documented(statements),
    annotations: annotated(functions, statements),
    naming: naming(statements),
  };
}

/** Functions and classes at any depth, outer ones first. */
function* definitionsIn(block: Block): Generator<Definition> {
  for (const statement of block) {
    if (statement.kind === 'def' || statement.kind === 'class') yield statement;
    for (const body of bodiesOf(statement)) yield* definitionsIn(body);
  }
}

/** McCabe's number of one function: 1 + its decisions; each function defined inside adds its own number. */
export function complexityOf({ body }: Function_): number {
  return 1 + decisions(body);
}

function decisions(block: Block): number {
  let sum = 0;
  for (const statement of block) {
    switch (statement.kind) {
      case 'if': sum += statement.tests.length; break;
      case 'while': case 'for': sum += 1; break;
      case 'try': sum += statement.handlers.length + (statement.otherwise.length > 0 ? 1 : 0); break;
      // A last case that takes anything is no decision.
      case 'match': sum += statement.cases.length - (takesAll(statement.cases.at(-1)) ? 1 : 0); break;
      case 'def': sum += 1; break;
      default:
    }
    for (const body of bodiesOf(statement)) sum += decisions(body);
  }
  return sum;
}

/** A bare `_` or name without a guard binds at most one name and reads nothing. */
function takesAll(last: Extract<Statement, { kind: 'match' }>['cases'][number] | undefined): boolean {
  return last !== undefined && last.guard === null && last.values.length === 0 && last.bindings.length <= 1;
}

/** Deepest nesting of if, for, while, try, with and match, not counting what stands in functions and classes inside. */
function flowNesting(block: Block): number {
  let deepest = 0;
  for (const statement of block) {
    if (statement.kind === 'def' || statement.kind === 'class') continue;
    for (const body of bodiesOf(statement)) if (body.length > 0) deepest = Math.max(deepest, 1 + flowNesting(body));
  }
  return deepest;
}

/** Statements after a jump in their block, and bodies of `if` and `while` whose test is a constant that is false. */
function unreachableIn(block: Block): number {
  let count = 0, ended = false;
  for (const statement of block) {
    // `return` and then `yield` is how a generator that gives nothing is written.
    if (ended && !(statement.kind === 'expression' && statement.value.kind === 'yield')) count++;
    if (statement.kind === 'if') statement.tests.forEach((test, i) => isFalse(test) && (count += statement.bodies[i]!.length));
    if (statement.kind === 'while' && isFalse(statement.test)) count += statement.body.length;
    for (const body of bodiesOf(statement)) count += unreachableIn(body);
    ended ||= leaves(statement);
  }
  return count;
}

/** Does control never go on behind this statement? Only what the text alone shows. */
function leaves(statement: Statement): boolean {
  const ends = (block: Block): boolean => block.some(leaves);
  switch (statement.kind) {
    case 'return': case 'raise': case 'break': case 'continue': return true;
    case 'if': return statement.bodies.length > statement.tests.length && statement.bodies.every(ends);
    case 'while': return isTrue(statement.test) && !breaks(statement.body);
    case 'try': return ends(statement.last) || ((ends(statement.body) || ends(statement.otherwise)) && statement.handlers.every(({ body }) => ends(body)));
    default: return false;
  }
}

/** Is there a `break` of this loop? */
function breaks(block: Block): boolean {
  return block.some((statement) => {
    if (statement.kind === 'break') return true;
    if (statement.kind === 'def' || statement.kind === 'class') return false;
    // A break in the body of a loop inside belongs to that loop; one in its else does not.
    if (statement.kind === 'for' || statement.kind === 'while') return breaks(statement.otherwise);
    return bodiesOf(statement).some(breaks);
  });
}

const isTrue = ({ kind, text }: Expression): boolean => kind === 'constant' && (text === 'True' || text === '1');
const isFalse = ({ kind, text }: Expression): boolean => kind === 'constant' && (text === 'False' || text === '0');

const isPublic = (name: string): boolean => !name.startsWith('_') || name === '__init__';

/** Public functions and classes that are not inside a function. */
function documented(statements: Block): number | null {
  let all = 0, described = 0;
  const visit = (block: Block): void => {
    for (const statement of block) {
      if ((statement.kind === 'def' || statement.kind === 'class') && isPublic(statement.name.name)) {
        all++;
        if (docstringOf(statement)) described++;
      }
      if (statement.kind !== 'def') for (const body of bodiesOf(statement)) visit(body);
    }
  };
  visit(statements);
  return all === 0 ? null : described / all;
}

function docstringOf({ body }: Definition): Statement | null {
  const first = body[0];
  return first?.kind === 'expression' && first.value.kind === 'string' ? first : null;
}

/** Parameters and results; a text that is one method has `self` first like any method. */
function annotated(functions: readonly Function_[], statements: Block): number | null {
  const alone = statements.length === 1;
  let all = 0, given = 0;
  for (const { parameters, returns, name } of functions) {
    parameters.all.forEach((parameter, i) => {
      if (i === 0 && (parameter.name === 'self' || parameter.name === 'cls' || (alone && parameter.name === 'mcs'))) return;
      all++;
      if (parameter.annotation) given++;
    });
    if (name.name === '__init__') continue;
    all++;
    if (returns) given++;
  }
  return all === 0 ? null : given / all;
}

/** Short names that everyone knows: indices, coordinates, counts, a file, an exception, an unused value, common abbreviations. */
const KNOWN: ReadonlySet<string> = new Set(['_', 'i', 'j', 'k', 'n', 'x', 'y', 'z', 'e', 'f', 'id', 'ok', 'io', 'os', 're', 'db', 'ip', 'fd', 'fn', 'op', 'dx', 'dy', 'ns', 'ms', 'pi']);
const EMPTY_NAME = /^(?:foo|bar|baz|qux|quux|spam|eggs|ham|xxx+|asdf|stuff|thing|things|blah|(.)\1+|[a-z]{1,2}\d+|(?:tmp|temp|var|val|data|func)\d+)$/i;

/** Does a name say what it is? */
export function isTelling(name: string): boolean {
  const bare = name.replace(/^_+|_+$/g, '');
  if (bare === '' || KNOWN.has(bare)) return true;
  return bare.length >= 3 && !EMPTY_NAME.test(bare);
}

function naming(statements: Block): number | null {
  const names = new Set<string>();
  const add = ({ name }: NameAt | { readonly name: string }): void => void names.add(name);
  const target = (expression: Expression): void => {
    if (expression.kind === 'name') names.add(expression.text);
    else if (expression.kind === 'tuple' || expression.kind === 'list' || expression.kind === 'starred') expression.items.forEach(target);
  };
  const visit = (block: Block): void => {
    for (const statement of block) {
      switch (statement.kind) {
        case 'assign': statement.targets.forEach(target); break;
        case 'annotated': target(statement.target); break;
        case 'for': target(statement.target); break;
        case 'with': statement.targets.forEach(target); break;
        case 'def':
          add(statement.name);
          statement.parameters.all.forEach(add);
          break;
        case 'class': add(statement.name); break;
        case 'try': statement.handlers.forEach(({ name }) => name && add(name)); break;
        default:
      }
      for (const body of bodiesOf(statement)) visit(body);
    }
  };
  visit(statements);
  return names.size === 0 ? null : [...names].filter(isTelling).length / names.size;
}

/** Lines with code on them: not blank, not only a comment. Strings that go over lines count, docstrings are taken off. */
class CodeLines {
  readonly #place: SourceText;
  /** `#before[i]`: lines of code before line i. */
  readonly #before: Int32Array;

  constructor(place: SourceText) {
    this.#place = place;
    const starts = place.lineStarts;
    this.#before = new Int32Array(starts.length + 1);
    starts.forEach((start, i) => {
      const line = place.text.slice(start, place.lineEnd(i + 1)).trimStart();
      this.#before[i + 1] = this.#before[i]! + (line === '' || line.startsWith('#') ? 0 : 1);
    });
  }

  /** In the lines that the range [start, end) touches. */
  between(start: number, end: number): number {
    const { line } = this.#place.position(start);
    return this.#before[this.#place.position(Math.max(start, end - 1)).line]! - this.#before[line - 1]!;
  }

  of(definition: Function_): number {
    const docstring = docstringOf(definition);
    return this.between(definition.start, definition.end) - (docstring ? this.between(docstring.start, docstring.end) : 0);
  }
}
