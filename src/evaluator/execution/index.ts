/** Execution's door: task formats, the verdict, pass@k. The interpreters' own programs are in harness/. */
export * from './formats.ts';
export * from './pass-at-k.ts';
export * from './verdict.ts';
