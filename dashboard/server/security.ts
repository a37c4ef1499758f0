/**
 * Who may talk to the dashboard. The server listens on this machine only, but so does everything else a browser is talked into
 * requesting; each request therefore proves that it comes from the page we served: a secret token, a Host header that names
 * this machine (DNS rebinding), an Origin that is our own. Pure functions; not here: HTTP.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** 128 random bits, URL-safe. */
export function createToken(): string {
  return randomBytes(16).toString('base64url');
}

/** Compares in time that depends on neither text. */
export function sameToken(given: string | undefined, token: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given ?? ''), hash(token)) && given !== undefined;
}

/** Cookies are shared by all ports of a host, so each server's cookie has a name of its own. */
export function cookieName(port: number): string {
  return `ouroboros-${port}`;
}

/** The value of cookie `name`, or undefined. Where it stands twice the first counts, as browsers send the most specific first. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/**
 * Whether the Host header names this machine: a loopback name, the address that the server was told to listen on, or, when it
 * listens on every interface, any IP literal (a literal cannot be rebound). The port is not compared, so that a forwarded port works.
 */
export function hostAllowed(host: string | undefined, listening: string): boolean {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(host ?? '');
  if (!match) return false;
  const name = match[1]!.toLowerCase().replace(/^\[|\]$/g, '');
  if (['127.0.0.1', 'localhost', '::1', listening.toLowerCase()].includes(name)) return true;
  return (listening === '0.0.0.0' || listening === '::') && isIP(name) !== 0;
}

/** Whether the Origin header, where there is one, is the page we served. `required`: a WebSocket upgrade, where browsers always send it. */
export function originAllowed(headers: IncomingHttpHeaders, required: boolean): boolean {
  if (headers.origin === undefined) return !required;
  return headers.origin.toLowerCase() === `http://${headers.host ?? ''}`.toLowerCase();
}

/** Headers of every answer. `host` is the request's Host header, already checked; older browsers do not count ws: as 'self'. */
export function securityHeaders(host: string): Record<string, string> {
  return {
    'Content-Security-Policy': [
      "default-src 'self'",
      `connect-src 'self' ws://${host}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "object-src 'none'",
    ].join('; '),
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
  };
}
