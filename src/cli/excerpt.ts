/** A finding shown the way CPython shows a SyntaxError: file, line, the source line, a caret under the fault. */
import type { Finding } from '../contracts/records.ts';
import { harmless, unitOffset } from './text.ts';

/** `name` is what stands for the file. Without `name` only the source line, the caret and the message are given. */
export function excerpt(text: string, finding: Finding, name?: string): string {
  const line = text.split(/\r\n|\r|\n/)[finding.line - 1] ?? '';
  const code = line.trimStart();
  const cut = line.length - code.length;
  const start = Math.max(0, finding.column - cut);
  const spanUnits = unitOffset(text, finding.span.end) - unitOffset(text, finding.span.start);
  const length = Math.max(1, Math.min(spanUnits, code.length - start));
  // What becomes an escape is longer than before: the caret goes by what is shown.
  const before = harmless(code.slice(0, start));
  const marked = harmless(code.slice(start, start + length));
  const pad = before.replace(/[^\t]/g, ' ') + ' '.repeat(Math.max(0, start - code.length));
  const lines = name === undefined ? [] : [`  File "${harmless(name)}", line ${finding.line}`];
  lines.push(`    ${harmless(code).trimEnd()}`.trimEnd(), `    ${pad}${'^'.repeat(Math.max(1, marked.length))}`);
  lines.push(`${label(finding)}: ${harmless(finding.message)}`);
  return lines.join('\n');
}

function label(finding: Finding): string {
  if (finding.source === 'lint') return `note (${finding.kind})`;
  if (finding.source === 'parse') return 'parser';
  // Legal Python that says nothing.
  if (finding.kind === 'empty') return 'empty';
  if (finding.kind === 'indent.tabs') return 'TabError';
  if (finding.kind.startsWith('indent.')) return 'IndentationError';
  return 'SyntaxError';
}
