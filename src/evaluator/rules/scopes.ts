/**
 * Names and the scopes they belong to, as far as `global` and `nonlocal` need them (The Python Language Reference, 4.2 and
 * 7.12-13): CPython's symbol table, without what it computes for code generation.
 */
import type { Fault } from './faults.ts';
import type { NameAt } from './tree.ts';

const USED = 1, ASSIGNED = 2, ANNOTATED = 4, PARAMETER = 8, GLOBAL = 16, NONLOCAL = 32, IMPORTED = 64;

export class Scope {
  readonly #names = new Map<string, number>();
  readonly #nonlocals: NameAt[] = [];
  readonly kind: 'module' | 'function' | 'class';
  readonly parent: Scope | null;
  readonly #children: Scope[] = [];

  constructor(kind: 'module' | 'function' | 'class', parent: Scope | null) {
    this.kind = kind;
    this.parent = parent;
    if (parent) parent.#children.push(this);
  }

  #add(name: string, flag: number): number {
    const before = this.#names.get(name) ?? 0;
    this.#names.set(name, before | flag);
    return before;
  }

  use(name: string): void {
    // A constant by another name.
    if (name !== '__debug__') this.#add(name, USED);
  }

  assign(name: string): void {
    this.#add(name, ASSIGNED);
  }

  /** An import binds without being in the way of a `global` after it. */
  import(name: string): void {
    this.#add(name, IMPORTED);
  }

  parameter(name: string): void {
    this.#add(name, PARAMETER);
  }

  annotate({ name, start, end }: NameAt, report: (fault: Fault) => void): void {
    const before = this.#add(name, ANNOTATED | ASSIGNED);
    if (this.kind === 'module') return;
    if (before & GLOBAL) report({ kind: 'scope.global', message: `annotated name '${name}' can't be global`, start, end });
    if (before & NONLOCAL) report({ kind: 'scope.nonlocal', message: `annotated name '${name}' can't be nonlocal`, start, end });
  }

  declare(word: 'global' | 'nonlocal', names: readonly NameAt[], start: number, end: number, report: (fault: Fault) => void): void {
    const kind = word === 'global' ? 'scope.global' : 'scope.nonlocal';
    if (word === 'nonlocal' && this.kind === 'module') {
      report({ kind, message: 'nonlocal declaration not allowed at module level', start, end });
      return;
    }
    for (const name of names) {
      const before = this.#add(name.name, word === 'global' ? GLOBAL : NONLOCAL);
      const message =
        before & PARAMETER ? `name '${name.name}' is parameter and ${word}`
        : before & USED ? `name '${name.name}' is used prior to ${word} declaration`
        : before & ANNOTATED ? `annotated name '${name.name}' can't be ${word}`
        : before & ASSIGNED ? `name '${name.name}' is assigned to before ${word} declaration`
        : before & (word === 'global' ? NONLOCAL : GLOBAL) ? `name '${name.name}' is nonlocal and global`
        : null;
      if (message) report({ kind, message, start, end });
      if (word === 'nonlocal') this.#nonlocals.push({ name: name.name, start, end });
    }
  }

  /** After the whole text was read: every nonlocal name needs a function around it that binds it. */
  resolve(report: (fault: Fault) => void): void {
    for (const { name, start, end } of this.#nonlocals) {
      if (!this.#bound(name)) report({ kind: 'scope.nonlocal', message: `no binding for nonlocal '${name}' found`, start, end });
    }
    for (const child of this.#children) child.resolve(report);
  }

  #bound(name: string): boolean {
    for (let scope = this.parent; scope; scope = scope.parent) {
      if (scope.kind === 'class' && name === '__class__') return true;
      if (scope.kind !== 'function') continue;
      const flags = scope.#names.get(name) ?? 0;
      if (flags & GLOBAL) return false;
      if (flags & (ASSIGNED | PARAMETER | IMPORTED) && !(flags & NONLOCAL)) return true;
    }
    return false;
  }
}
