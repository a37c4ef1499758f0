/**
 * A line diff by longest common subsequence, for texts as long as a function. Lines that were changed rather than removed or added
 * also say which part of them changed.
 */

export interface DiffLine {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
  /** The part that differs from the line it stands against, UTF-16 units, end exclusive. */
  readonly changed?: { readonly start: number; readonly end: number };
}

/** Beyond so many cells the middle is shown as replaced whole, so that no text can make the page slow. */
const MAX_CELLS = 1_000_000;

/**
 * Lines of `before` and `after` in one list. Without the `+` lines it is `before`, without the `-` lines it is `after`.
 * Source: Wagner and Fischer, "The string-to-string correction problem" (JACM 1974), with common ends taken off first.
 */
export function diffLines(before: string, after: string): DiffLine[] {
  const a = before.split('\n');
  const b = after.split('\n');
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const same = (text: string): DiffLine => ({ sign: ' ', text });
  return [
    ...a.slice(0, head).map(same),
    ...pair(middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail))),
    ...a.slice(a.length - tail).map(same),
  ];
}

function middle(a: readonly string[], b: readonly string[]): DiffLine[] {
  const removed = (text: string): DiffLine => ({ sign: '-', text });
  const added = (text: string): DiffLine => ({ sign: '+', text });
  if (a.length * b.length > MAX_CELLS) return [...a.map(removed), ...b.map(added)];
  // common[i][j]: length of the longest common subsequence of a[i..] and b[j..].
  const common = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i]![j] = a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ sign: ' ', text: a[i]! });
      i++;
      j++;
    } else if (common[i + 1]![j]! >= common[i]![j + 1]!) lines.push(removed(a[i++]!));
    else lines.push(added(b[j++]!));
  }
  return [...lines, ...a.slice(i).map(removed), ...b.slice(j).map(added)];
}

/** Marks what changed where a run of removed lines meets a run of added lines of the same length. */
function pair(lines: DiffLine[]): DiffLine[] {
  const out = [...lines];
  for (let at = 0; at < out.length; ) {
    let removed = 0;
    while (out[at + removed]?.sign === '-') removed++;
    let added = 0;
    while (out[at + removed + added]?.sign === '+') added++;
    if (removed > 0 && removed === added) {
      for (let k = 0; k < removed; k++) {
        const [before, after] = changedPart(out[at + k]!, out[at + removed + k]!);
        out[at + k] = before;
        out[at + removed + k] = after;
      }
    }
    at += Math.max(1, removed + added);
  }
  return out;
}

function changedPart(before: DiffLine, after: DiffLine): [DiffLine, DiffLine] {
  const [a, b] = [before.text, after.text];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  // Two lines with little in common are two lines, not one that changed.
  if (head + tail < Math.min(a.length, b.length) / 3) return [before, after];
  return [
    { ...before, changed: { start: head, end: a.length - tail } },
    { ...after, changed: { start: head, end: b.length - tail } },
  ];
}
