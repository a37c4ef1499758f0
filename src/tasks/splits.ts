/** Stable identities: which split a file belongs to, and the id of a text. */
import { createHash } from 'node:crypto';
import type { Split } from '../contracts/records.ts';

/**
 * One under which the default corpus, whose files differ in size a thousandfold, is divided 80 / 10 / 10 not only by files but
 * also by bytes and by functions (within 0.7 %).
 */
const SALT = 'split 194';

/**
 * The split of a file: 80 % train, 10 % gate, 10 % test, by SHA-256 of its relative path. What a file holds does not
 * matter, so editing it, or adding others, moves none from one split to another.
 */
export function splitOf(path: string): Split {
  const tenth = createHash('sha256').update(`${SALT}\0${path}`).digest().readUInt32BE(0) / 0x100000000;
  return tenth < 0.8 ? 'train' : tenth < 0.9 ? 'gate' : 'test';
}

/** The first 128 bits of SHA-256 of a text, in hexadecimal. */
export const textId = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
