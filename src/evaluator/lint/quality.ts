/**
 * The quality of one text: measures of its statements, what the linter says, how far it is from its formatted self, and the
 * composite. Opt-in, since the linter costs several times as much as the verdict. Not here: any judgement of validity.
 */
import type { Counts, Finding, Quality } from '../../contracts/records.ts';
import type { RulesReport } from '../rules/index.ts';
import type { SourceText } from '../text.ts';
import { normalisedDistance } from './distance.ts';
import { measure } from './measures.ts';
import { readabilityOf } from './readability.ts';
import { format, lint, type LintDiagnostic } from './ruff.ts';

/** Longer texts are not compared with their formatted selves: the distance takes n * m / 32 steps. */
const LONGEST_COMPARED = 40_000;
/** Most lint findings that are kept of one text; all are counted. */
const MAX_FINDINGS = 100;

const UNDEFINED: ReadonlySet<string> = new Set(['F821', 'F822', 'F823']);
const UNUSED: ReadonlySet<string> = new Set(['F401', 'F811', 'F841', 'F842', 'B007']);

export interface QualityReport {
  readonly quality: Quality;
  readonly findings: readonly Finding[];
}

/**
 * `linter: false` leaves ruff out: microseconds instead of a millisecond, with null for what only it knows. A text with faults is not
 * handed to ruff, which could only say so again.
 */
export function assessQuality(place: SourceText, report: RulesReport, counts: Counts, linter: boolean): QualityReport {
  const { text } = place;
  const runs = linter && report.faults.length === 0;
  const diagnostics = runs ? lint(text) : null;
  const formatted = runs && text.length <= LONGEST_COMPARED ? format(text) : null;
  const number = (codes: ReadonlySet<string>): number | null => diagnostics && diagnostics.filter(({ code }) => codes.has(code)).length;
  const undefinedNames = number(UNDEFINED);
  const parts = {
    lint: diagnostics && diagnostics.length - (undefinedNames ?? 0),
    undefinedNames,
    unusedNames: number(UNUSED),
    formatDistance: formatted === null ? null : normalisedDistance(text, formatted),
    ...measure(report.statements, place),
  };
  return {
    quality: { ...parts, readability: readabilityOf(parts, counts) },
    findings: (diagnostics ?? []).slice(0, MAX_FINDINGS).map((diagnostic) => findingOf(place, diagnostic)),
  };
}

function findingOf(place: SourceText, { code, message, line, column, endLine, endColumn }: LintDiagnostic): Finding {
  const offset = (row: number, unit: number): number => Math.min((place.lineStarts[row - 1] ?? place.text.length) + unit - 1, place.text.length);
  const start = offset(line, column);
  return { source: 'lint', kind: `lint.${code}`, message, span: place.span(start, Math.max(start, offset(endLine, endColumn))), ...place.position(start) };
}
