/**
 * A fault: what a strict rule objects to, as UTF-16 offsets into the text; and the table of rules, the one place that says
 * which kinds exist and how much each weighs in the graded score. Not here: how a fault is noticed (tokens, grammar, targets,
 * scopes, placement).
 */

export interface Fault {
  readonly kind: RuleKind;
  /** In CPython 3.14's wording where it has one. */
  readonly message: string;
  readonly start: number;
  readonly end: number;
}

/** Weight of a fault in the graded score: 1 is a fault of one statement; more where it hides what follows it. */
const RULES = {
  // Lexical rules (tokens.ts, literals.ts)
  'character.null': 1,
  'character.surrogate': 1,
  'character.invalid': 1,
  'character.continuation': 1,
  'indent.tabs': 1,
  'indent.dedent': 1,
  'indent.deep': 1,
  'bracket.unclosed': 1.5,
  'bracket.unmatched': 1,
  'bracket.mismatched': 1.2,
  'bracket.deep': 1.5,
  'string.unterminated': 1.2,
  'string.unterminated-triple': 2,
  'string.escape': 1,
  'string.bytes': 1,
  'string.mixed': 1,
  'string.field': 1,
  'number.literal': 1,
  'number.digits': 1,
  // Grammar rules (statements.ts, expressions.ts, patterns.ts)
  'syntax.invalid': 1,
  'syntax.deep': 3,
  'syntax.end': 1,
  'syntax.colon': 1,
  'syntax.comma': 1,
  'syntax.python2': 1,
  'syntax.comparison': 1,
  'syntax.else': 1,
  'syntax.handlers': 1,
  'syntax.orphan': 1,
  'indent.unexpected': 1,
  'indent.missing': 1,
  'import.form': 1,
  'import.future': 1,
  'import.star': 1,
  'pattern.form': 1,
  'pattern.unreachable': 1,
  'pattern.binding': 1,
  // Targets, parameters, arguments (targets.ts, parameters.ts)
  'target.assign': 1,
  'target.delete': 1,
  'target.augmented': 1,
  'target.annotated': 1,
  'target.starred': 1,
  'target.named': 1,
  'target.debug': 1,
  'starred.misplaced': 1,
  'parameter.repeated': 1,
  'parameter.order': 1,
  'argument.order': 1,
  'argument.repeated': 1,
  'argument.keyword': 1,
  'argument.generator': 1,
  // Scopes and placement (placement.ts, scopes.ts)
  'placement.return': 1,
  'placement.yield': 1,
  'placement.await': 1,
  'placement.async': 1,
  'placement.loop': 1,
  'placement.group': 1,
  'placement.nested': 1,
  'placement.annotation': 1,
  'scope.global': 1,
  'scope.nonlocal': 1,
  'scope.comprehension': 1,
  'scope.type': 1,
} as const;

export type RuleKind = keyof typeof RULES;
export const RULE_WEIGHTS: Readonly<Record<RuleKind, number>> = RULES;

/** Thrown inside the grammar to leave the statement that cannot be read; caught where the next statement begins. */
export class Unreadable {
  constructor(readonly fault: Fault | null) {}
}
