/**
 * The smallest statement around a place: what a refiner rewrites. Not here: how statements are read.
 */
import { bodiesOf } from './counts.ts';
import type { Statement } from './rules/index.ts';

/** The innermost statement that begins at or before the offset (UTF-16), or null before the first one. */
export function enclosing(statements: readonly Statement[], offset: number): { readonly start: number; readonly end: number } | null {
  let found: Statement | null = null;
  for (let list: readonly Statement[] | undefined = statements; list; ) {
    const last = lastFrom(list, offset);
    if (!last) break;
    found = last;
    list = bodiesOf(last).findLast((body) => body.length > 0 && body[0]!.start <= offset);
  }
  return found;
}

/** The last of a list in order that begins at or before the offset. */
function lastFrom(list: readonly Statement[], offset: number): Statement | undefined {
  let low = -1, high = list.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (list[middle]!.start <= offset) low = middle;
    else high = middle - 1;
  }
  return list[low];
}
