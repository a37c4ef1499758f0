/**
 * Order and repetition of a call's arguments (The Python Language Reference, 6.3.4).
 */
import type { Fault } from './faults.ts';
import type { Expression } from './tree.ts';

export function checkArguments(items: readonly Expression[], report: (fault: Fault) => void): void {
  let keyword = false, unpacked = false;
  let names: Set<string> | null = null;
  for (const item of items) {
    const { start, end } = item;
    if (item.kind === 'keyword') {
      if (item.text === '') {
        unpacked = true;
        continue;
      }
      keyword = true;
      names ??= new Set();
      if (names.has(item.text)) report({ kind: 'argument.repeated', message: `keyword argument repeated: ${item.text}`, start, end });
      names.add(item.text);
    } else if (item.kind === 'starred') {
      if (unpacked) report({ kind: 'argument.order', message: 'iterable argument unpacking follows keyword argument unpacking', start, end });
    } else if (unpacked) {
      report({ kind: 'argument.order', message: 'positional argument follows keyword argument unpacking', start, end });
    } else if (keyword) {
      report({ kind: 'argument.order', message: 'positional argument follows keyword argument', start, end });
    }
  }
}
