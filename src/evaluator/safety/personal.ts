/**
 * Where in strings and comments personal data may stand: e-mail addresses, telephone numbers, cards, accounts, addresses of machines. Each
 * pass looks at a character a bounded number of times and counts its steps. Not here: code (calls.ts) and the checks of formats.
 */
import { ibanLength, isCard, isIban, isPublicIpv4, isPublicIpv6, isReservedDomain } from './formats.ts';

export type PersonalCheck = 'email' | 'phone' | 'card' | 'iban' | 'ip';
export type Report = (check: PersonalCheck, start: number, end: number) => void;

const inSet = (characters: string): ((code: number) => boolean) => {
  const set = new Uint8Array(128);
  for (const character of characters) set[character.charCodeAt(0)] = 1;
  return (code) => code < 128 && set[code] === 1;
};
const DIGITS = '0123456789';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const isDigit = inSet(DIGITS);
const isWord = inSet(`${DIGITS}${LETTERS}_`);
const isLocal = inSet(`${DIGITS}${LETTERS}._%+-`);
const isDomain = inSet(`${DIGITS}${LETTERS}.-`);
const isNumeric = inSet(`${DIGITS} -.()+`);
const isAddress = inSet(`${DIGITS}abcdefABCDEF:`);
const isCapital = inSet('ABCDEFGHIJKLMNOPQRSTUVWXYZ');

/** Looks through [start, end) of the text; returns the steps taken, at most 60 a character. */
export function findPersonal(text: string, start: number, end: number, report: Report): number {
  return emails(text, start, end, report) + numbers(text, start, end, report) + ibans(text, start, end, report) + addresses(text, start, end, report);
}

/** RFC 5321's lengths: 64 before the sign, 255 behind it. The stretches around two signs do not overlap. */
function emails(text: string, start: number, end: number, report: Report): number {
  let steps = end - start;
  for (let sign = text.indexOf('@', start); sign >= 0 && sign < end; sign = text.indexOf('@', sign + 1)) {
    let from = sign, to = sign + 1;
    while (from > start && sign - from < 64 && isLocal(text.charCodeAt(from - 1))) from--;
    while (to < end && to - sign <= 255 && isDomain(text.charCodeAt(to))) to++;
    steps += to - from;
    while (text[to - 1] === '.' || text[to - 1] === '-') to--;
    const domain = text.slice(sign + 1, to);
    const top = domain.slice(domain.lastIndexOf('.') + 1);
    const local = text.slice(from, sign);
    const shaped = local !== '' && local !== 'git' && /^[A-Za-z0-9]/.test(local) && domain.includes('.') && !domain.startsWith('.') && !domain.includes('..') && top.length >= 2 && /^[A-Za-z]+$/.test(top);
    if (shaped && !isReservedDomain(domain)) report('email', from, to);
  }
  return steps;
}

/** Stretches of digits and what may part them, each taken once. */
function numbers(text: string, start: number, end: number, report: Report): number {
  let steps = 0;
  for (let at = start; at < end; at++) {
    steps++;
    const code = text.charCodeAt(at);
    if (!(isDigit(code) || code === 43 || code === 40) || (at > start && isWord(text.charCodeAt(at - 1)))) continue;
    let to = at;
    while (to < end && isNumeric(text.charCodeAt(to))) to++;
    steps += to - at;
    const follows = to < end && isWord(text.charCodeAt(to));
    let last = to;
    while (last > at && !isDigit(text.charCodeAt(last - 1))) last--;
    if (last > at && !follows) {
      const kind = numberKind(text.slice(at, last));
      if (kind) report(kind, at, last);
    }
    at = Math.max(at, to - 1);
  }
  return steps;
}

const NORTH_AMERICAN = /^(?:\([2-9]\d\d\) ?|[2-9]\d\d([-. ]))[2-9]\d\d[-. ]\d{4}$/;

function numberKind(written: string): PersonalCheck | null {
  if (written.length > 40) return null;
  const digits = written.replace(/\D/g, '');
  if (written.includes('.') && /^[\d.]+$/.test(written)) return isPublicIpv4(written) ? 'ip' : NORTH_AMERICAN.test(written) ? 'phone' : null;
  // ITU-T E.164: a plus sign and at most 15 digits. Ten digits in groups are a number in North America; 555-01xx is kept for fiction.
  if (/^\+\d/.test(written) && !written.includes('+', 1) && digits.length >= 9 && digits.length <= 15 && !/[ .()-]{3}/.test(written)) return 'phone';
  if (NORTH_AMERICAN.test(written)) return digits.slice(3, 8) === '55501' ? null : 'phone';
  return /^\d+(?:[ -]\d+)*$/.test(written) && !(written.includes(' ') && written.includes('-')) && isCard(digits) ? 'card' : null;
}

/** Two capitals and two digits where a word begins, then up to 30 more with single blanks between groups. */
function ibans(text: string, start: number, end: number, report: Report): number {
  let steps = 0;
  for (let at = start; at + 14 < end; at++) {
    steps++;
    if (!isCapital(text.charCodeAt(at)) || !isDigit(text.charCodeAt(at + 2)) || (at > start && isWord(text.charCodeAt(at - 1)))) continue;
    const length = ibanLength(text.slice(at, at + 2));
    if (length === 0) continue;
    let iban = '', to = at;
    for (; to < end && iban.length < length; to++) {
      steps++;
      const code = text.charCodeAt(to);
      if (code === 32 && iban.length >= 4 && text.charCodeAt(to - 1) !== 32) continue;
      if (!isCapital(code) && !isDigit(code)) break;
      iban += text[to];
    }
    if (iban.length === length && !(to < end && isWord(text.charCodeAt(to))) && isIban(iban)) report('iban', at, to);
  }
  return steps;
}

function addresses(text: string, start: number, end: number, report: Report): number {
  let steps = 0;
  for (let at = start; at < end; at++) {
    steps++;
    if (!isAddress(text.charCodeAt(at)) || (at > start && isWord(text.charCodeAt(at - 1)))) continue;
    let to = at;
    while (to < end && isAddress(text.charCodeAt(to))) to++;
    steps += to - at;
    if (to - at >= 11 && !(to < end && isWord(text.charCodeAt(to))) && isPublicIpv6(text.slice(at, to))) report('ip', at, to);
    at = Math.max(at, to - 1);
  }
  return steps;
}
