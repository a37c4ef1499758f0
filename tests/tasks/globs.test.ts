import { describe, expect, it } from 'vitest';
import { globMatcher, isGlob, splitGlob } from '../../src/tasks/globs.ts';

describe('globMatcher', () => {
  const cases: [string, string[], string[]][] = [
    ['*.py', ['a.py', '.py', 'a.b.py'], ['a/b.py', 'a.pyc', 'apy']],
    ['**/*.py', ['a.py', 'a/b.py', 'a/b/c.py'], ['a/b.txt']],
    ['src/**', ['src/a', 'src/a/b.py'], ['src', 'other/a']],
    ['a/**/b.py', ['a/b.py', 'a/x/b.py', 'a/x/y/b.py'], ['ab.py', 'a/xb.py', 'a/b.pyx']],
    ['a?.py', ['ab.py'], ['a.py', 'a/.py', 'abc.py']],
    ['[a-c]x.py', ['ax.py', 'cx.py'], ['dx.py', 'x.py']],
    ['[!a]x.py', ['bx.py'], ['ax.py', '/x.py']],
    ['{a,b*}.py', ['a.py', 'b.py', 'bcd.py'], ['c.py', 'a,b.py']],
    ['a+(b).py', ['a+(b).py'], ['aab.py']],
  ];
  it.each(cases)('%s', (pattern, yes, no) => {
    const matches = globMatcher(pattern);
    for (const path of yes) expect([path, matches(path)]).toEqual([path, true]);
    for (const path of no) expect([path, matches(path)]).toEqual([path, false]);
  });

  it('is told from a path, and starts at the folder before its first wildcard', () => {
    expect(['a/b.py', 'a*', 'a/?', '{a,b}', '[ab]'].map(isGlob)).toEqual([false, true, true, true, true]);
    expect(splitGlob('src/a/*.py')).toEqual({ base: 'src/a', rest: '*.py' });
    expect(splitGlob('*.py')).toEqual({ base: '.', rest: '*.py' });
    expect(splitGlob('/*/a.py')).toEqual({ base: '/', rest: '*/a.py' });
  });
});
