/** Which licence a corpus is under, as far as a file beside it tells. A note for the user, not legal advice. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const FILE = /^(?:licen[cs]e|copying|unlicense)(?:[.-].*)?$/i;
/** Folders looked at: the corpus's own and those above, up to the repository's root. */
const LEVELS = 6;

/** In the order in which they are tried: a text that quotes another licence comes before the one it quotes. */
const KINDS: readonly [RegExp, string][] = [
  [/GNU AFFERO GENERAL PUBLIC LICENSE/i, 'AGPL'],
  [/GNU LESSER GENERAL PUBLIC LICENSE/i, 'LGPL'],
  [/GNU GENERAL PUBLIC LICENSE/i, 'GPL'],
  [/Apache License,?\s+Version 2\.0/i, 'Apache-2.0'],
  [/Mozilla Public License,? Version 2\.0/i, 'MPL-2.0'],
  [/PYTHON SOFTWARE FOUNDATION LICENSE/i, 'PSF-2.0'],
  [/Permission is hereby granted, free of charge/i, 'MIT'],
  [/Redistribution and use in source and binary forms[^]*Neither the name/i, 'BSD-3-Clause'],
  [/Redistribution and use in source and binary forms/i, 'BSD-2-Clause'],
  [/Permission to use, copy, modify,? and\/?(?:or)? distribute this software/i, 'ISC'],
  [/This is free and unencumbered software released into the public domain/i, 'Unlicense'],
];

export const UNKNOWN_LICENCE = 'unknown';

/** The licence of what lies in `folder`: a known one's name, `see <file>` for another, or `unknown`. */
export function licenceOf(folder: string): string {
  let at = resolve(folder);
  for (let level = 0; level < LEVELS; level++) {
    const name = existsSync(at) ? readdirSync(at).sort().find((entry) => FILE.test(entry)) : undefined;
    if (name !== undefined) return recogniseLicence(readText(join(at, name))) ?? `see ${name}`;
    const up = dirname(at);
    if (up === at || existsSync(join(at, '.git'))) break;
    at = up;
  }
  return UNKNOWN_LICENCE;
}

/** The short name (SPDX where it has one) of a licence text; undefined when it is none of the common ones. */
export function recogniseLicence(text: string): string | undefined {
  return KINDS.find(([pattern]) => pattern.test(text))?.[1];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // A folder of that name, or not ours to read: there is a licence, but which one is not known.
  }
}
