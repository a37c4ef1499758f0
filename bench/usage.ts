/** What a bench says to whoever used it wrongly: a message without a place, and an exit code of its own. */

/** What the user has to know: its message says what to do. */
export class UsageError extends Error {}

/** Whether an error is the caller's, parseArgs's own among them. */
export function isMisuse(error: unknown): boolean {
  return error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
}
