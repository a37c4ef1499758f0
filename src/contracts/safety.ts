/**
 * The safety filter's rules as plain data, so that a configuration can take rules away and add its own. A rule is a literal and a
 * set of characters, a list of names or words, or a check by name; none is a regular expression, so none can take more than linear
 * time. Not here: the built-in table and how rules are applied (src/evaluator/safety).
 */
import type { SafetyCategory } from './records.ts';

/** `word`: letters, digits, `_` and `-`; `dotted` adds `.`, `path` adds `/`; `upper`: capitals and digits; `hex`: lower case. */
export type CharacterSet = 'alphanumeric' | 'upper' | 'hex' | 'word' | 'dotted' | 'path';

interface Named {
  /** Dotted lower case, `<category>.<name>`: the finding's kind is `safety.` and this. */
  readonly id: string;
  readonly category: SafetyCategory;
  readonly message: string;
}

/** `prefix` where a word begins, then `least` to `most` characters of `characters`, then none of them. */
export interface TokenRule extends Named {
  readonly kind: 'token';
  readonly prefix: string;
  readonly characters: CharacterSet;
  readonly least: number;
  readonly most: number;
}

/** `text` anywhere. */
export interface LiteralRule extends Named {
  readonly kind: 'literal';
  readonly text: string;
}

/** A call of one of `names` (dotted, import aliases followed; `module.*`: any of the module and of modules inside it, the longest name that fits first; `.name`: any method of that name). */
export interface CallRule extends Named {
  readonly kind: 'call';
  readonly names: readonly string[];
  /** `data`: only where the first argument is not a literal. `unsafe-loader`: unless an argument names a safe loader. */
  readonly when?: 'data' | 'unsafe-loader';
}

/** One of `words` in a comment, string or identifier, in any case; two words may be joined by blank, `-`, `_` or `/`. */
export interface WordRule extends Named {
  readonly kind: 'word';
  readonly words: readonly string[];
}

/** A word whose SHA-256 (of its lower-case spelling, without a plural s) is one of `hashes`. */
export interface HashedWordRule extends Named {
  readonly kind: 'hashed-word';
  readonly hashes: readonly string[];
}

/** A check written out in src/evaluator/safety. */
export interface CheckRule extends Named {
  readonly kind: 'check';
  readonly check: 'assigned-secret' | 'email' | 'phone' | 'card' | 'iban' | 'ip' | 'attribute' | 'generalisation';
}

export type SafetyRule = TokenRule | LiteralRule | CallRule | WordRule | HashedWordRule | CheckRule;

/** Which rules the filter has: the built-in ones, less some, and more. */
export interface SafetyOptions {
  /** Ids (`danger.removal`) or categories (`danger`) of rules that are off. */
  readonly disable?: readonly string[];
  /** Rules besides the built-in ones, in the same form. */
  readonly add?: readonly SafetyRule[];
}
