/**
 * A fault: what a strict rule objects to, as UTF-16 offsets into the text; and the table of rules, the one place that says
 * which kinds exist. Not here: how a fault is noticed (tokens, grammar, targets, scopes, placement), and what it costs (grade.ts).
 */

export interface Fault {
  readonly kind: RuleKind;
  /** In CPython 3.14's wording where it has one. */
  readonly message: string;
  readonly start: number;
  readonly end: number;
}

/** Every kind of fault. */
export const RULE_KINDS = [
  // Lexical rules (tokens.ts, literals.ts)
  'text.tokens',
  'character.null',
  'character.surrogate',
  'character.invalid',
  'character.continuation',
  'indent.tabs',
  'indent.dedent',
  'indent.deep',
  'bracket.unclosed',
  'bracket.unmatched',
  'bracket.mismatched',
  'bracket.deep',
  'string.unterminated',
  'string.unterminated-triple',
  'string.escape',
  'string.bytes',
  'string.mixed',
  'string.field',
  'number.literal',
  'number.digits',
  // Grammar rules (statements.ts, expressions.ts, patterns.ts)
  'syntax.invalid',
  'syntax.deep',
  'syntax.end',
  'syntax.colon',
  'syntax.comma',
  'syntax.python2',
  'syntax.comparison',
  'syntax.else',
  'syntax.handlers',
  'syntax.orphan',
  'indent.unexpected',
  'indent.missing',
  'import.form',
  'import.future',
  'import.star',
  'pattern.form',
  'pattern.unreachable',
  'pattern.binding',
  // Targets, parameters, arguments (targets.ts, parameters.ts)
  'target.assign',
  'target.delete',
  'target.augmented',
  'target.annotated',
  'target.starred',
  'target.named',
  'target.debug',
  'starred.misplaced',
  'parameter.repeated',
  'parameter.order',
  'argument.order',
  'argument.repeated',
  'argument.keyword',
  'argument.generator',
  // Scopes and placement (placement.ts, scopes.ts)
  'placement.return',
  'placement.yield',
  'placement.await',
  'placement.async',
  'placement.loop',
  'placement.group',
  'placement.nested',
  'placement.annotation',
  'scope.global',
  'scope.nonlocal',
  'scope.comprehension',
  'scope.type',
] as const;

export type RuleKind = (typeof RULE_KINDS)[number];

/** Most faults that one stage of the rules keeps: a text of a million faults is described well enough by the first ones. */
export const MOST_FAULTS = 1000;

/** Thrown inside the grammar to leave the statement that cannot be read; caught where the next statement begins. */
export class Unreadable {
  /** `firm`: CPython says it even where a bracket is never closed, which it otherwise says first. */
  constructor(readonly fault: Fault | null, readonly firm = false) {}

  /** Nothing is known but that it cannot be read. */
  get plain(): boolean {
    return this.fault?.message === 'invalid syntax';
  }
}
