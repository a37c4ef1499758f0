/**
 * Formats that are checked and not only looked at: Luhn's digit, IBAN's remainder, reserved addresses, how random a string looks. Pure
 * functions over short strings. Not here: where in a text candidates are found (personal.ts).
 */
import { isIPv6 } from 'node:net';

/** Luhn's check digit (ISO/IEC 7812-1, annex B). */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    let digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    if (i % 2 === 1 && (digit *= 2) > 9) digit -= 9;
    sum += digit;
  }
  return digits.length > 0 && sum % 10 === 0;
}

/** 13 to 19 digits that begin like a card (2 to 6, ISO/IEC 7812-1), not one digit over and over, with a right check digit. */
export function isCard(digits: string): boolean {
  return digits.length >= 13 && digits.length <= 19 && digits[0]! >= '2' && digits[0]! <= '6' && new Set(digits).size > 1 && passesLuhn(digits);
}

/** Lengths by country, from the IBAN registry (SWIFT). */
const IBAN_LENGTHS: Readonly<Record<string, number>> = {
  AD: 24, AE: 23, AL: 28, AT: 20, AZ: 28, BA: 20, BE: 16, BG: 22, BH: 22, BR: 29, BY: 28, CH: 21, CR: 22, CY: 28, CZ: 24, DE: 22, DK: 18, DO: 28, EE: 20, EG: 29, ES: 24, FI: 18, FO: 18, FR: 27,
  GB: 22, GE: 22, GI: 23, GL: 18, GR: 27, GT: 28, HR: 21, HU: 28, IE: 22, IL: 23, IQ: 23, IS: 26, IT: 27, JO: 30, KW: 30, KZ: 20, LB: 28, LI: 21, LT: 20, LU: 20, LV: 21, MC: 27, MD: 24, ME: 22,
  MK: 19, MR: 27, MT: 31, MU: 30, NL: 18, NO: 15, PK: 24, PL: 28, PS: 29, PT: 25, QA: 29, RO: 24, RS: 22, SA: 24, SC: 31, SE: 24, SI: 19, SK: 24, SM: 27, TN: 24, TR: 26, UA: 29, VA: 22, VG: 24, XK: 20,
};

export function ibanLength(country: string): number {
  return IBAN_LENGTHS[country] ?? 0;
}

/** Remainder 1 modulo 97 (ISO 13616); `iban` without blanks, capitals and digits. */
export function isIban(iban: string): boolean {
  if (iban.length !== ibanLength(iban.slice(0, 2))) return false;
  let remainder = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    if (Number.isNaN(value)) return false;
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}

/** Four octets of an address that is routed in public: private, shared, local, documentation and multicast ranges (RFC 6890) are not. */
export function isPublicIpv4(address: string): boolean {
  const parts = address.split('.');
  if (parts.length !== 4 || parts.some((part) => !isOctet(part))) return false;
  const [a, b, c] = parts.map(Number) as [number, number, number];
  const reserved = a === 0 || a === 10 || a === 127 || a >= 224 || (a === 100 && b >= 64 && b < 128) || (a === 169 && b === 254) || (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) || (a === 192 && b === 0 && (c === 0 || c === 2)) || (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) || (a === 203 && b === 0 && c === 113);
  return !reserved;
}

const isOctet = (part: string): boolean => part.length >= 1 && part.length <= 3 && Number(part) <= 255 && String(Number(part)) === part;

/** An address of global unicast (2000::/3) with four groups or more, documentation (2001:db8::/32) left out. */
export function isPublicIpv6(address: string): boolean {
  if (address.length > 45 || !isIPv6(address)) return false;
  const groups = address.toLowerCase().split(':').filter((group) => group !== '');
  return groups.length >= 4 && /^[23]...$/.test(groups[0]!) && !(groups[0] === '2001' && groups[1] === 'db8');
}

/** Domains that RFC 2606 and RFC 6761 keep for examples and tests. */
export function isReservedDomain(domain: string): boolean {
  const labels = domain.toLowerCase().split('.');
  const top = labels.at(-1)!;
  return ['test', 'example', 'invalid', 'localhost', 'local'].includes(top) || (labels.at(-2) === 'example' && ['com', 'org', 'net'].includes(top));
}

/** Shannon entropy of the string's characters, bits a character. */
export function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let entropy = 0;
  for (const count of counts.values()) entropy -= (count / text.length) * Math.log2(count / text.length);
  return entropy;
}

const PLACEHOLDERS = ['example', 'changeme', 'change_me', 'placeholder', 'your', 'dummy', 'xxxx', 'redacted', '****', '....'];
const OUTRIGHT = ['password', 'passwd', 'passphrase'];
const KEYS = ['secret', 'token', 'apikey', 'accesskey', 'privatekey', 'credential', 'authkey'];

/**
 * Does this look like a secret that was written down? For a name that says password: 8 characters or more, letters and digits, 2.75
 * bits a character; for one that says secret, token or key: 16 or more and 3.5 bits. Both below the 4.5 bits that detect-secrets asks
 * of strings without a telling name. Placeholders, paths, addresses and templates are not.
 */
export function isAssignedSecret(name: string, value: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[^a-z]/g, '');
  const outright = plain === 'pwd' || OUTRIGHT.some((word) => plain.includes(word));
  if (name.length > 100 || !(outright || KEYS.some((word) => plain.includes(word)))) return false;
  if (value.length < (outright ? 8 : 16) || value.length > 512) return false;
  if (/[\s<>{}%]/.test(value) || !/[A-Za-z]/.test(value) || !/\d/.test(value) || value.includes('://') || value.startsWith('/') || value.startsWith('$')) return false;
  const lower = value.toLowerCase();
  return !PLACEHOLDERS.some((word) => lower.includes(word)) && entropyOf(value) >= (outright ? 2.75 : 3.5);
}
