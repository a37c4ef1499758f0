/** What benches take from a command line, and what they refuse. */
import { describe, expect, it } from 'vitest';
import { isMisuse, oneOf, seedsOf, UsageError, wholeNumber, wholeNumbers } from '../../bench/usage.ts';
import { ConfigError } from '../../src/config/load.ts';

describe('an option', () => {
  it('is a whole number, or several, within its range', () => {
    expect([wholeNumber('--runs', '3'), wholeNumber('--seed', '0', 0), wholeNumbers('--batches', '16,1,')]).toEqual([3, 0, [16, 1]]);
    for (const text of ['', ' ', '0', '-1', '1.5', 'x', '1,2']) expect(() => wholeNumber('--runs', text)).toThrow(/--runs has to be .* at least 1, not/);
    for (const text of ['', ',', '1,0']) expect(() => wholeNumbers('--batches', text)).toThrow(UsageError);
  });

  it('is seeds: a number of them, or a list', () => {
    expect([seedsOf('3'), seedsOf('5,2,2'), seedsOf('4,')]).toEqual([[1, 2, 3], [2, 5], [4]]);
    for (const text of ['0', 'x', '1,-2', ',']) expect(() => seedsOf(text)).toThrow(UsageError);
  });

  it('is one of the names there are', () => {
    expect(oneOf('colour', 'red', ['red', 'blue'])).toBe('red');
    expect(() => oneOf('colour', 'green', ['red', 'blue'])).toThrow(/no colour 'green'; there are red, blue/);
  });
});

it('a wrong option or a wrong setting is misuse, a failure is not', () => {
  expect([new UsageError('no'), new ConfigError('no'), Object.assign(new TypeError('no'), { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' })].map(isMisuse)).toEqual([true, true, true]);
  expect([new Error('no'), null, 'no'].map(isMisuse)).toEqual([false, false, false]);
});
