/**
 * What may be assigned to, deleted, annotated or bound (The Python Language Reference, 7.2 and 7.5), in CPython's wording.
 */
import type { Fault, RuleKind } from './faults.ts';
import type { Expression } from './tree.ts';

/** CPython's name of an expression in its messages. */
export function describe({ kind, text, items }: Expression): string {
  switch (kind) {
    case 'constant': return text === 'None' || text === 'True' || text === 'False' ? text : text === '...' ? 'ellipsis' : 'literal';
    case 'string': return 'literal';
    case 'fstring': return text === 't' ? 't-string expression' : 'f-string expression';
    case 'call': return 'function call';
    case 'binary': case 'unary': case 'boolean': return 'expression';
    case 'compare': return 'comparison';
    case 'conditional': return 'conditional expression';
    case 'dict': return 'dict literal';
    case 'set': return 'set display';
    case 'comprehension': return text === 'generator' ? 'generator expression' : `${text} comprehension`;
    case 'yield': return 'yield expression';
    case 'await': return 'await expression';
    case 'named': return 'named expression';
    case 'starred': return 'starred';
    case 'keyword': return describe(items[0]!);
    default: return kind;
  }
}

type Report = (fault: Fault) => void;

function at(kind: RuleKind, message: string, { start, end }: Expression): Fault {
  return { kind, message, start, end };
}

/** Reports what in `target` cannot be assigned to. `starred`: a star is legal here, inside a list or tuple. */
export function checkAssign(target: Expression, report: Report, starred = false, alone = true): void {
  switch (target.kind) {
    case 'name':
      if (target.text === '__debug__') report(at('target.debug', 'cannot assign to __debug__', target));
      return;
    case 'attribute':
      if (target.text === '__debug__') report(at('target.debug', 'cannot assign to __debug__', target));
      return;
    case 'subscript':
      return;
    case 'starred':
      if (!starred) report(at('target.starred', 'starred assignment target must be in a list or tuple', target));
      else if (target.items[0]!.kind === 'starred') report(at('syntax.invalid', 'invalid syntax', target));
      return checkAssign(target.items[0]!, report, false, false);
    case 'tuple':
    case 'list': {
      let stars = 0;
      for (const item of target.items) {
        if (item.kind === 'starred') stars++;
        checkAssign(item, report, !item.paren, alone);
      }
      if (stars > 1) report(at('target.starred', 'multiple starred expressions in assignment', target));
      return;
    }
    default:
      report(at('target.assign', `cannot assign to ${describe(target)}${alone && maybeComparison(target) ? " here. Maybe you meant '==' instead of '='?" : ''}`, target));
  }
}

function maybeComparison({ kind, text }: Expression): boolean {
  return !(kind === 'constant' && (text === 'None' || text === 'True' || text === 'False')) && kind !== 'starred' && kind !== 'yield' && kind !== 'compare' && kind !== 'lambda';
}

/** Targets of `for`, of a comprehension and of `with … as`: the same, without the hint about `==`. */
export function checkBind(target: Expression, report: Report): void {
  checkAssign(target, report, false, false);
}

export function checkDelete(target: Expression, report: Report): void {
  switch (target.kind) {
    case 'name':
    case 'attribute':
      if (target.text === '__debug__') report(at('target.debug', 'cannot delete __debug__', target));
      return;
    case 'subscript':
      return;
    case 'tuple':
    case 'list':
      for (const item of target.items) checkDelete(item, report);
      return;
    default:
      report(at('target.delete', `cannot delete ${describe(target)}`, target));
  }
}

export function checkAugmented(target: Expression, report: Report): void {
  if (target.kind === 'name' || target.kind === 'attribute' || target.kind === 'subscript') return checkAssign(target, report);
  report(at('target.augmented', `'${describe(target)}' is an illegal expression for augmented assignment`, target));
}

const isSingle = ({ kind }: Expression): boolean => kind === 'name' || kind === 'attribute' || kind === 'subscript';

export function checkAnnotated(target: Expression, report: Report): void {
  if (isSingle(target)) {
    let first = target;
    while (!first.paren && (isSingle(first) || first.kind === 'call') && first.items[0]) first = first.items[0];
    // The grammar takes a target in parentheses for the whole of what is annotated, and does not look back when more follows.
    if (first !== target && first.paren && isSingle(first)) return report(at('target.annotated', 'illegal target for annotation', target));
    // A name in parentheses is only looked at, unless a value follows.
    if (target.kind !== 'name' || !target.paren) checkAssign(target, report);
    return;
  }
  const only = target.kind === 'tuple' || target.kind === 'list' ? `only single target (not ${target.kind}) can be annotated` : 'illegal target for annotation';
  report(at('target.annotated', only, target));
}
