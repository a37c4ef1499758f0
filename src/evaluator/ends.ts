/** What two texts have in common at both ends. */

/** UTF-16 units of the longest common beginning, and of the longest common end of what is left. */
export function commonEnds(a: string, b: string): { readonly start: number; readonly tail: number } {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a.charCodeAt(start) === b.charCodeAt(start)) start++;
  let tail = 0;
  while (tail < shorter - start && a.charCodeAt(a.length - 1 - tail) === b.charCodeAt(b.length - 1 - tail)) tail++;
  return { start, tail };
}
