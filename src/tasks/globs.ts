/**
 * Glob patterns: `*` and `?` within one part of a path, `**` over any number of parts, `[abc]`, `{a,b}`. Node 20 has none of
 * its own. Not here: the walk through folders (sources.ts).
 */

/** Whether a path argument has to be read as a pattern. */
export const isGlob = (path: string): boolean => /[*?[\]{}]/.test(path);

/** Splits a pattern into the folder before its first wildcard and the rest: `src/a/*.py` -> `src/a`, `*.py`. Separator: `/`. */
export function splitGlob(pattern: string): { readonly base: string; readonly rest: string } {
  const parts = pattern.split('/');
  const first = parts.findIndex(isGlob);
  if (first < 0) return { base: pattern, rest: '' };
  const base = parts.slice(0, first).join('/');
  return { base: base === '' ? (pattern.startsWith('/') ? '/' : '.') : base, rest: parts.slice(first).join('/') };
}

/** A test for paths (separator `/`) relative to the pattern's folder. */
export function globMatcher(pattern: string): (path: string) => boolean {
  let source = '';
  let braces = 0;
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i]!;
    const starts = i === 0 || pattern[i - 1] === '/';
    if (starts && pattern.startsWith('**/', i)) {
      source += '(?:[^/]+/)*';
      i += 2;
    } else if (starts && pattern.slice(i) === '**') {
      source += '.*';
      i += 1;
    } else if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '[' && pattern.indexOf(']', i + 2) > 0) {
      const end = pattern.indexOf(']', i + 2);
      const inside = pattern.slice(i + 1, end);
      const negated = /^[!^]/.test(inside);
      source += `(?!/)[${negated ? '^' : ''}${inside.slice(negated ? 1 : 0).replace(/[\\\]^[]/g, '\\$&')}]`;
      i = end;
    } else if (character === '{' && pattern.indexOf('}', i) > 0) {
      source += '(?:';
      braces++;
    } else if (character === '}' && braces > 0) {
      source += ')';
      braces--;
    } else if (character === ',' && braces > 0) source += '|';
    else source += character.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  }
  const expression = new RegExp(`^${source}${')'.repeat(braces)}$`, 'u');
  return (path) => expression.test(path);
}
