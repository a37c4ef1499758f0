/**
 * Evaluations as SARIF 2.1.0 (Static Analysis Results Interchange Format, OASIS 2020), which GitHub's code scanning and most editors
 * read. Pure. Not here: which findings there are.
 */
import { isAbsolute, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ExecutionVerdict } from '../contracts/execution.ts';
import type { Evaluation, Finding } from '../contracts/records.ts';
import { describeOutcome } from '../evaluator/execution/index.ts';

export interface Evaluated {
  /** As the user named it; `<stdin>` for standard input. */
  readonly name: string;
  readonly text: string;
  readonly evaluation: Evaluation;
  readonly execution?: ExecutionVerdict;
}

export type SarifLevel = 'error' | 'warning' | 'note';

export interface SarifResult {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: SarifLevel;
  readonly message: { readonly text: string };
  readonly locations: readonly { readonly physicalLocation: { readonly artifactLocation: { readonly uri: string }; readonly region: SarifRegion } }[];
}

/** Lines and columns count from 1; the end column is exclusive. */
export interface SarifRegion {
  readonly startLine: number;
  readonly startColumn: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export interface SarifLog {
  readonly $schema: string;
  readonly version: '2.1.0';
  readonly runs: readonly [{
    readonly tool: { readonly driver: { readonly name: string; readonly rules: readonly { readonly id: string; readonly shortDescription: { readonly text: string }; readonly defaultConfiguration: { readonly level: SarifLevel } }[] } };
    readonly columnKind: 'utf16CodeUnits';
    readonly results: readonly SarifResult[];
  }];
}

const DESCRIPTIONS: readonly (readonly [prefix: string, description: string])[] = [
  ['cpython.', "CPython's compiler rejects the text"],
  ['parse.', 'tree-sitter cannot parse the text'],
  ['lint.', 'ruff: https://docs.astral.sh/ruff/rules/'],
  ['safety.secret', 'A secret stands in the text'],
  ['safety.danger', 'A call that reaches processes, network or files, or runs data as code'],
  ['safety.slur', 'A slur'],
  ['safety.bias', 'A term or decision that slights people'],
  ['safety.personal', 'Personal data'],
  ['novelty.', 'The text stands in the corpus'],
  ['execution.', 'The tests do not pass'],
  ['empty', 'Nothing but a docstring, comments, pass or ...'],
];

const describe = (id: string): string => DESCRIPTIONS.find(([prefix]) => id.startsWith(prefix))?.[1] ?? 'The text breaks a rule of Python';

/** What is wrong is an error; what the linter and the safety filter say is a warning, but for secrets; what is only odd, such as a file that says nothing, is a note. */
function levelOf({ source, kind }: Finding): SarifLevel {
  if (source === 'lint') return 'warning';
  if (kind === 'empty') return 'note';
  if (source !== 'safety') return 'error';
  return kind.startsWith('safety.secret') ? 'error' : kind.startsWith('safety.bias') ? 'note' : 'warning';
}

/** One run with one result a finding, in the files' order. */
export function toSarif(evaluated: readonly Evaluated[], findingsOf: (evaluation: Evaluation) => readonly Finding[] = ({ findings }) => findings): SarifLog {
  const rules = new Map<string, { index: number; level: SarifLevel }>();
  const results: SarifResult[] = [];
  const add = (name: string, ruleId: string, level: SarifLevel, text: string, region: SarifRegion): void => {
    const rule = rules.get(ruleId) ?? { index: rules.size, level };
    rules.set(ruleId, rule);
    results.push({ ruleId, ruleIndex: rule.index, level, message: { text }, locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(name) }, region } }] });
  };
  for (const { name, text, evaluation, execution } of evaluated) {
    const bytes = Buffer.from(text);
    for (const finding of findingsOf(evaluation)) add(name, finding.kind, levelOf(finding), finding.message, regionOf(bytes, finding));
    if (evaluation.copy) add(name, 'novelty.copy', 'note', 'The text, blank space aside, is a text of the corpus or lies inside one.', wholeOf(text));
    if (execution && !execution.passed) add(name, `execution.${execution.verdict}`, 'error', describeOutcome(execution), wholeOf(text));
  }
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [{
      tool: { driver: { name: 'ouroboros', rules: [...rules].map(([id, { level }]) => ({ id, shortDescription: { text: describe(id) }, defaultConfiguration: { level } })) } },
      columnKind: 'utf16CodeUnits',
      results,
    }],
  };
}

/** The end is found by walking over what the finding spans; an empty span is shown as an empty region. */
function regionOf(bytes: Buffer, { line, column, span }: Finding): SarifRegion {
  const lines = bytes.subarray(span.start, span.end).toString('utf8').split(/\r\n|\r|\n/);
  const last = lines.at(-1)!;
  return { startLine: line, startColumn: column + 1, endLine: line + lines.length - 1, endColumn: (lines.length === 1 ? column : 0) + last.length + 1 };
}

function wholeOf(text: string): SarifRegion {
  const first = text.split(/\r\n|\r|\n/, 1)[0]!;
  return { startLine: 1, startColumn: 1, endLine: 1, endColumn: first.length + 1 };
}

/** Relative to the repository, as code scanning wants it, where the file was named so. */
function uriOf(name: string): string {
  if (name === '<stdin>') return 'stdin';
  return isAbsolute(name) ? pathToFileURL(name).href : name.split(sep).map(encodeURIComponent).join('/').replace(/^(?:\.\/)+/, '');
}
