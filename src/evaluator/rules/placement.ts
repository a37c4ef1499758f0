/**
 * Where statements and expressions may stand: return, yield, await, break, continue, except*, future imports, assignment
 * expressions, and the names that global and nonlocal declare. One walk over the strict tree, in the order in which CPython's
 * symbol table and compiler see it. Not here: how the tree was read.
 */
import type { Fault, RuleKind } from './faults.ts';
import { Scope } from './scopes.ts';
import type { Expression, NameAt, Parameters, Statement, TypeParameter } from './tree.ts';

/** CPython's compiler nests at most this many loops, withs, trys and handlers in one scope; a generator or coroutine takes one itself. */
const MAX_BLOCKS = 21;
/** CPython 3.14 in WebAssembly writes beyond its memory where 23 comprehensions are nested; nobody nests more than a few. */
const MAX_COMPREHENSIONS = 20;
const FEATURES: ReadonlySet<string> = new Set([
  'nested_scopes', 'generators', 'division', 'absolute_import', 'with_statement', 'print_function', 'unicode_literals', 'barry_as_FLUFL', 'generator_stop', 'annotations',
]);

/** A function, lambda, class, annotation or the module, while its body is walked. */
interface Frame {
  readonly kind: 'module' | 'class' | 'function' | 'lambda' | 'annotation';
  readonly async: boolean;
  readonly scope: Scope | null;
  readonly parent: Frame | null;
  yields: boolean;
  valueReturn: Statement | null;
  /** Deepest nesting of blocks, and where it is reached. */
  deepest: number;
  deepestAt: Statement | null;
}

const newFrame = (kind: Frame['kind'], async: boolean, scope: Scope | null, parent: Frame | null): Frame => ({ kind, async, scope, parent, yields: false, valueReturn: null, deepest: 0, deepestAt: null });

/** A comprehension, while it is walked. */
interface Comprehension {
  readonly flavour: string;
  readonly targets: Set<string>;
  readonly named: Set<string>;
  readonly parent: Comprehension | null;
  readonly depth: number;
  async: boolean;
}

export class Placement {
  readonly #report: (fault: Fault) => void;
  #frame: Frame;
  #comprehension: Comprehension | null = null;
  #inLoop = false;
  /** Inside an except* block: a jump out of it is not allowed. */
  #groupJump = false;
  #groupReturn = false;
  #blocks = 0;
  #iterable = 0;
  /** What annotation-like place is being walked, in CPython's words; empty elsewhere. */
  #annotation = '';

  /** `names`: keep track of names, which only texts with `global` or `nonlocal` need. */
  constructor(report: (fault: Fault) => void, names: boolean) {
    this.#report = report;
    this.#frame = newFrame('module', false, names ? new Scope('module', null) : null, null);
  }

  walk(statements: readonly Statement[]): void {
    this.#futures(statements);
    this.#body(statements);
    this.#checkDepth(this.#frame);
    this.#frame.scope?.resolve(this.#report);
  }

  #fault(kind: RuleKind, message: string, { start, end }: { readonly start: number; readonly end: number }): void {
    this.#report({ kind, message, start, end });
  }

  #futures(statements: readonly Statement[]): void {
    let head = true;
    statements.forEach((statement, index) => {
      const docstring = index === 0 && statement.kind === 'expression' && statement.value.kind === 'string';
      if (statement.kind === 'import' && statement.from === '__future__') {
        for (const feature of statement.features) {
          if (head && !FEATURES.has(feature.name)) {
            this.#fault('import.future', feature.name === 'braces' ? 'not a chance' : `future feature ${feature.name} is not defined`, feature);
          }
        }
        if (head && statement.star) this.#fault('import.future', 'future feature * is not defined', statement);
        if (!head) this.#lateFuture(statement);
      } else if (!docstring) head = false;
    });
  }

  #lateFuture(statement: Statement): void {
    this.#fault('import.future', 'from __future__ imports must occur at the beginning of the file', statement);
  }

  #body(statements: readonly Statement[]): void {
    for (const statement of statements) this.#statement(statement);
  }

  #bind({ name }: { readonly name: string }): void {
    this.#frame.scope?.assign(name);
  }

  #statement(statement: Statement): void {
    switch (statement.kind) {
      case 'expression':
        return this.#visit(statement.value);
      case 'assign':
        this.#visit(statement.value);
        for (const target of statement.targets) this.#target(target);
        return;
      case 'augmented':
        this.#visit(statement.value);
        this.#target(statement.target);
        return;
      case 'annotated': {
        const { target } = statement;
        if (target.kind === 'name') {
          if (target.paren) {
            if (statement.value) this.#frame.scope?.assign(target.text);
          } else this.#frame.scope?.annotate({ name: target.text, start: statement.start, end: statement.end }, this.#report);
        } else this.#visit(target);
        this.#annotated('an annotation', statement.annotation);
        if (statement.value) this.#visit(statement.value);
        return;
      }
      case 'return':
        this.#return(statement);
        return;
      case 'delete':
        for (const target of statement.targets) this.#target(target);
        return;
      case 'raise': case 'assert':
        for (const value of statement.values) this.#visit(value);
        return;
      case 'pass':
        return;
      case 'break': case 'continue':
        if (!this.#inLoop) {
          if (this.#groupJump) this.#fault('placement.group', "'break', 'continue' and 'return' cannot appear in an 'except*' block", statement);
          else this.#fault('placement.loop', statement.kind === 'break' ? "'break' outside loop" : "'continue' not properly in loop", statement);
        }
        return;
      case 'global': case 'nonlocal':
        this.#frame.scope?.declare(statement.kind, statement.names, statement.start, statement.end, this.#report);
        return;
      case 'import':
        if (statement.star && this.#frame.kind !== 'module') this.#fault('import.star', 'import * only allowed at module level', statement);
        if (statement.from === '__future__' && (this.#frame.kind !== 'module' || this.#nestedLevel > 0)) this.#lateFuture(statement);
        for (const { name } of statement.names) this.#frame.scope?.import(name);
        return;
      case 'if':
        statement.bodies.forEach((body, i) => {
          if (statement.tests[i]) this.#visit(statement.tests[i]);
          this.#inner(body);
        });
        return;
      case 'while':
        this.#visit(statement.test);
        this.#loop(statement.body);
        this.#inner(statement.otherwise);
        return;
      case 'for':
        if (statement.async) this.#async("'async for' outside async function", statement);
        this.#visit(statement.iterable);
        this.#target(statement.target);
        this.#loop(statement.body);
        this.#inner(statement.otherwise);
        return;
      case 'try':
        return this.#try(statement);
      case 'with':
        if (statement.async) this.#async("'async with' outside async function", statement);
        for (const value of statement.values) this.#visit(value);
        for (const target of statement.targets) this.#target(target);
        this.#nest(statement.values.length, statement, statement.body);
        return;
      case 'match':
        this.#visit(statement.subject);
        for (const { bindings, values, guard, body } of statement.cases) {
          for (const value of values) this.#visit(value);
          for (const name of bindings) this.#bind(name);
          if (guard) this.#visit(guard);
          this.#inner(body);
        }
        return;
      case 'type':
        this.#bind(statement.name);
        this.#types(statement.types);
        this.#annotated('a type alias', statement.value);
        return;
      case 'def':
        return this.#definition(statement);
      case 'class':
        return this.#class(statement);
      case 'broken':
        this.#inLoopBroken(statement.body);
    }
  }

  /** Inside a block whose head could not be read nothing is known: only what is surely wrong is reported. */
  #inLoopBroken(body: readonly Statement[]): void {
    const { yields, valueReturn } = this.#frame;
    const kept = this.#frame, loop = this.#inLoop;
    this.#frame = { ...newFrame('function', true, null, kept), yields, valueReturn };
    this.#inLoop = true;
    this.#nestedLevel++;
    this.#body(body);
    this.#nestedLevel--;
    this.#frame = kept;
    this.#inLoop = loop;
  }

  #nestedLevel = 0;

  #inner(body: readonly Statement[]): void {
    this.#nestedLevel++;
    this.#body(body);
    this.#nestedLevel--;
  }

  #nest(count: number, at: Statement, body: readonly Statement[]): void {
    this.#blocks += count;
    if (this.#blocks > this.#frame.deepest) {
      this.#frame.deepest = this.#blocks;
      this.#frame.deepestAt = at;
    }
    this.#inner(body);
    this.#blocks -= count;
  }

  #checkDepth({ deepest, deepestAt, async, yields }: Frame): void {
    if (deepestAt && deepest > MAX_BLOCKS - (async || yields ? 1 : 0)) this.#fault('placement.nested', 'too many statically nested blocks', deepestAt);
  }

  #loop(body: readonly Statement[]): void {
    const loop = this.#inLoop, jump = this.#groupJump;
    this.#inLoop = true;
    this.#groupJump = false;
    if (body[0]) this.#nest(1, body[0], body);
    this.#inLoop = loop;
    this.#groupJump = jump;
  }

  #try(statement: Extract<Statement, { kind: 'try' }>): void {
    const final = statement.last.length > 0 ? 1 : 0;
    this.#blocks += final;
    this.#nest(statement.handlers.length > 0 ? 1 : 0, statement, statement.body);
    for (const { type, name, body } of statement.handlers) {
      if (type) this.#visit(type);
      if (name) this.#bind(name);
      const jump = this.#groupJump, returns = this.#groupReturn, loop = this.#inLoop;
      if (statement.group) {
        this.#groupJump = this.#groupReturn = true;
        this.#inLoop = false;
      }
      this.#nest(2, statement, body);
      this.#groupJump = jump;
      this.#groupReturn = returns;
      this.#inLoop = loop;
    }
    this.#inner(statement.otherwise);
    this.#blocks -= final;
    this.#nest(final, statement, statement.last);
  }

  #return(statement: Extract<Statement, { kind: 'return' }>): void {
    if (this.#frame.kind !== 'function') this.#fault('placement.return', "'return' outside function", statement);
    else if (this.#groupReturn) this.#fault('placement.group', "'break', 'continue' and 'return' cannot appear in an 'except*' block", statement);
    if (!statement.value) return;
    if (statement.value.kind === 'starred') this.#fault('starred.misplaced', "can't use starred expression here", statement.value);
    this.#frame.valueReturn ??= statement;
    this.#visit(statement.value);
  }

  #async(message: string, at: Statement): void {
    if (this.#frame.kind === 'function' && this.#frame.async) return;
    this.#fault('placement.async', message, at);
  }

  #target(target: Expression): void {
    if (target.kind === 'name') this.#frame.scope?.assign(target.text);
    else if (target.kind === 'tuple' || target.kind === 'list' || target.kind === 'starred') for (const item of target.items) this.#target(item);
    else this.#visit(target);
  }

  /** What is only evaluated when someone asks (PEP 649, PEP 695) has a scope of its own, in which names are neither bound nor used outside. */
  #annotated(label: string, value: Expression, generic = false): void {
    const kept = this.#annotation, outer = this.#frame;
    const within = (parent: Frame): Frame => newFrame('annotation', false, null, parent);
    this.#annotation = label;
    this.#frame = within(generic ? within(outer) : outer);
    this.#visit(value);
    this.#frame = outer;
    this.#annotation = kept;
  }

  #types(types: readonly TypeParameter[]): void {
    for (const { bound, initial } of types) {
      if (bound) this.#annotated(bound.kind === 'tuple' ? 'a TypeVar constraint' : 'a TypeVar bound', bound);
      if (initial) this.#annotated('a TypeVar default', initial);
    }
  }

  #parameters({ all }: Parameters, generic = false): void {
    for (const { initial } of all) if (initial) this.#visit(initial);
    for (const { annotation } of all) if (annotation) this.#annotated('an annotation', annotation, generic);
  }

  #enter(kind: 'class' | 'function' | 'lambda', async: boolean, walk: () => void): Frame {
    const outer = this.#frame;
    const state = [this.#inLoop, this.#groupJump, this.#groupReturn, this.#blocks, this.#nestedLevel, this.#comprehension, this.#annotation] as const;
    const scope = outer.scope ? new Scope(kind === 'class' ? 'class' : 'function', outer.scope) : null;
    const frame = newFrame(kind, async, scope, outer);
    this.#frame = frame;
    this.#inLoop = this.#groupJump = this.#groupReturn = false;
    this.#blocks = this.#nestedLevel = 0;
    this.#comprehension = null;
    this.#annotation = '';
    walk();
    this.#checkDepth(frame);
    this.#frame = outer;
    [this.#inLoop, this.#groupJump, this.#groupReturn, this.#blocks, this.#nestedLevel, this.#comprehension, this.#annotation] = state;
    return frame;
  }

  #definition(statement: Extract<Statement, { kind: 'def' }>): void {
    for (const decorator of statement.decorators) this.#visit(decorator);
    this.#bind(statement.name);
    this.#types(statement.types);
    const generic = statement.types.length > 0;
    this.#parameters(statement.parameters, generic);
    if (statement.returns) this.#annotated('an annotation', statement.returns, generic);
    const frame = this.#enter('function', statement.async, () => {
      for (const { name } of statement.parameters.all) this.#frame.scope?.parameter(name);
      this.#body(statement.body);
    });
    if (statement.async && frame.yields && frame.valueReturn) this.#fault('placement.return', "'return' with value in async generator", frame.valueReturn);
  }

  #class(statement: Extract<Statement, { kind: 'class' }>): void {
    for (const decorator of statement.decorators) this.#visit(decorator);
    this.#bind(statement.name);
    this.#types(statement.types);
    for (const base of statement.bases) {
      if (statement.types.length > 0) this.#annotated('the definition of a generic', base);
      else this.#visit(base);
    }
    this.#enter('class', false, () => this.#body(statement.body));
  }

  #visit(first: Expression): void {
    // The left spine of calls, attributes and subscripts is followed in a loop: it may be long.
    let node = first;
    while (node.kind === 'attribute' || node.kind === 'call' || node.kind === 'subscript') {
      for (let i = 1; i < node.items.length; i++) this.#visit(node.items[i]!);
      node = node.items[0]!;
    }
    switch (node.kind) {
      case 'name':
        if (!this.#comprehension) this.#frame.scope?.use(node.text);
        return;
      case 'constant': case 'string':
        return;
      case 'lambda': {
        if (node.parameters) this.#parameters(node.parameters);
        const { parameters, items } = node;
        this.#enter('lambda', false, () => {
          for (const { name } of parameters?.all ?? []) this.#frame.scope?.parameter(name);
          this.#visit(items[0]!);
        });
        return;
      }
      case 'comprehension':
        return this.#comprehend(node);
      case 'yield':
        this.#yield(node);
        break;
      case 'await':
        this.#await(node);
        break;
      case 'named':
        this.#named(node);
        return this.#visit(node.items[1]!);
    }
    for (const item of node.items) this.#visit(item);
  }

  #yield(node: Expression): void {
    if (this.#annotation) this.#fault('placement.annotation', `yield expression cannot be used within ${this.#annotation}`, node);
    else if (this.#comprehension) {
      const { flavour } = this.#comprehension;
      this.#fault('placement.yield', `'yield' inside ${flavour === 'generator' ? 'generator expression' : `${flavour} comprehension`}`, node);
    } else if (this.#frame.kind === 'module' || this.#frame.kind === 'class') {
      this.#fault('placement.yield', `'yield${node.text ? ' from' : ''}' outside function`, node);
    } else if (node.text && this.#frame.async) this.#fault('placement.yield', "'yield from' inside async function", node);
    this.#frame.yields = true;
  }

  #await(node: Expression): void {
    if (this.#comprehension) this.#comprehension.async = true;
    else if (this.#annotation) this.#fault('placement.annotation', `await expression cannot be used within ${this.#annotation}`, node);
    else if (this.#frame.kind === 'module' || this.#frame.kind === 'class') this.#fault('placement.await', "'await' outside function", node);
    else if (!this.#frame.async) this.#fault('placement.await', "'await' outside async function", node);
  }

  #named(node: Expression): void {
    const target: NameAt = { name: node.items[0]!.text, start: node.items[0]!.start, end: node.items[0]!.end };
    if (this.#annotation && !this.#comprehension) this.#fault('placement.annotation', `named expression cannot be used within ${this.#annotation}`, node);
    if (this.#iterable > 0) this.#fault('scope.comprehension', 'assignment expression cannot be used in a comprehension iterable expression', node);
    else if (this.#comprehension) {
      // An annotation is looked through; what is evaluated in a scope of the type system is not.
      const frame = this.#annotation === 'an annotation' ? this.#frame.parent! : this.#frame;
      if (frame.kind === 'annotation') {
        const where = this.#annotation === 'a type alias' ? 'in a type alias' : this.#annotation.includes('TypeVar') ? 'in a TypeVar bound' : 'within the definition of a generic';
        this.#fault('scope.comprehension', `assignment expression within a comprehension cannot be used ${where}`, node);
      } else if (frame.kind === 'class') {
        this.#fault('scope.comprehension', 'assignment expression within a comprehension cannot be used in a class body', node);
      }
      for (let outer: Comprehension | null = this.#comprehension; outer; outer = outer.parent) {
        if (outer.targets.has(target.name)) {
          this.#fault('scope.comprehension', `assignment expression cannot rebind comprehension iteration variable '${target.name}'`, target);
          break;
        }
        outer.named.add(target.name);
      }
    }
    this.#bind(target);
  }

  #comprehend(node: Expression): void {
    const clauses = node.clauses!;
    const outer = this.#comprehension;
    this.#iterable++;
    this.#visit(clauses[0]!.iterable);
    this.#iterable--;
    const own: Comprehension = { flavour: node.text, targets: new Set(), named: new Set(), parent: outer, depth: (outer?.depth ?? 0) + 1, async: false };
    if (own.depth === MAX_COMPREHENSIONS) this.#fault('syntax.deep', 'too deeply nested to be compiled', node);
    this.#comprehension = own;
    clauses.forEach((clause, index) => {
      if (clause.async) own.async = true;
      this.#comprehensionTarget(clause.target, own);
      if (index > 0) {
        this.#iterable++;
        this.#visit(clause.iterable);
        this.#iterable--;
      }
      for (const condition of clause.conditions) this.#visit(condition);
    });
    for (const element of node.items) this.#visit(element);
    this.#comprehension = outer;
    if (!own.async || node.text === 'generator') return;
    if (outer) outer.async = true;
    else if (!(this.#frame.kind === 'function' && this.#frame.async)) {
      this.#fault('placement.async', 'asynchronous comprehension outside of an asynchronous function', node);
    }
  }

  #comprehensionTarget(target: Expression, own: Comprehension): void {
    if (target.kind === 'name') {
      if (own.named.has(target.text)) {
        this.#fault('scope.comprehension', `comprehension inner loop cannot rebind assignment expression target '${target.text}'`, target);
      }
      own.targets.add(target.text);
    } else if (target.kind === 'tuple' || target.kind === 'list' || target.kind === 'starred') {
      for (const item of target.items) this.#comprehensionTarget(item, own);
    } else this.#visit(target);
  }
}
