/**
 * The evaluator behind processes that can be killed: batches of texts are spread over one or more judges, and a judge that hangs or
 * dies is replaced. A text that hangs or kills its judge twice when alone with it has failed; a judge that fails by itself is tried
 * again, and only then is the sample marked. A judge that says it has grown is replaced between two batches. The number of answers always equals the number of requests. Not here: what is judged.
 */
import type { Beginning, DocumentFinder, Ending, EvaluationRequest, Evaluator, SourceRequest } from '../contracts/evaluator.ts';
import type { Evaluation, Finding, InvalidReason, Span } from '../contracts/records.ts';
import type { SafetyOptions } from '../contracts/safety.ts';
import { unread, type NamedText } from '../evaluator/index.ts';
import { Anticipation } from './anticipation.ts';
import type { JudgeService } from './judge-entry.ts';
import { ChildService, ProcessError } from './rpc.ts';

export interface JudgePoolOptions {
  /** Processes; each takes about 250 MB. */
  readonly judges: number;
  /** Training documents, by which copies and novelty are known; `setDocuments` may give them later. */
  readonly documents?: readonly NamedText[];
  /** Which rules the safety filter has; default: all of its own. */
  readonly safety?: SafetyOptions;
  /** Most texts in one call to a judge; fewer where they are long. */
  readonly batch?: number;
  /** Wall-clock limit of a call in milliseconds, to which a second is added for every 250,000 characters. */
  readonly limitMs?: number;
  /** Wall-clock limit of starting one judge in milliseconds. */
  readonly startMs?: number;
  /** Asked whenever work could be done ahead; absent: it is done. */
  readonly worksAhead?: () => boolean;
  /** Told when a judge starts, stops or crashes. */
  readonly onProcess?: (change: { readonly process: string; readonly pid: number | null; readonly state: 'started' | 'stopped' | 'crashed'; readonly message?: string }) => void;
  /** The module a judge runs: judge-entry, or a stand-in with the same service. */
  readonly entry?: URL;
}

interface Job {
  run(judge: Judge): Promise<void>;
  /** The job will not be run. */
  drop(error: Error): void;
}

/** Texts in one call while more are to come: a judge is soon free for what is asked for, and the last calls end at about the same time. */
const AHEAD_BATCH = 16;
/** Texts that cost as much as one whole evaluation. */
const AS_MANY = { endings: 4, beginnings: 16 };
const CHARACTERS_PER_SECOND = 250_000;
/** Characters after which a batch is full: what a judge holds at once stays small. */
const BATCH_CHARACTERS = 250_000;
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './judge-entry.ts' : './judge-entry.js', import.meta.url);

/** One place in the pool: a process, or none yet. */
class Judge {
  #service: ChildService<JudgeService> | null = null;
  #ready: Promise<void> | null = null;
  #documents: readonly NamedText[];
  /** The process has grown and is to be replaced before its next call. */
  #worn = false;
  readonly #name: string;
  readonly #options: JudgePoolOptions;

  constructor(index: number, options: JudgePoolOptions) {
    this.#name = `judge-${index + 1}`;
    this.#options = options;
    this.#documents = options.documents ?? [];
  }

  /** Starts the process if there is none; resolves once it can judge. */
  ready(): Promise<void> {
    if (this.#service && !this.#service.ended && this.#ready) return this.#ready;
    const { entry = ENTRY, startMs = 120_000, onProcess } = this.#options;
    this.#worn = false;
    const service: ChildService<JudgeService> = new ChildService<JudgeService>(entry, {
      onEvent: () => {
        if (service === this.#service) this.#worn = true;
      },
      onExit: ({ code, signal, expected }) => {
        const pid = service.pid ?? null;
        if (expected) onProcess?.({ process: this.#name, pid, state: 'stopped' });
        else onProcess?.({ process: this.#name, pid, state: 'crashed', message: `exit ${signal ?? code}` });
      },
    });
    this.#service = service;
    onProcess?.({ process: this.#name, pid: service.pid ?? null, state: 'started' });
    this.#ready = service.call('initialise', this.#initial(), { timeoutMs: startMs }).then(() => {});
    this.#ready.catch(() => void service.kill());
    return this.#ready;
  }

  #initial(): Parameters<JudgeService['initialise']>[0] {
    const { safety } = this.#options;
    return { documents: this.#documents, ...(safety ? { safety } : {}) };
  }

  /** The documents of this judge and of every one that replaces it. */
  async setDocuments(documents: readonly NamedText[]): Promise<void> {
    this.#documents = documents;
    if (!this.#service || this.#service.ended) return;
    await this.#ready;
    await this.#service.call('initialise', this.#initial(), { timeoutMs: this.#options.startMs ?? 120_000 });
  }

  async call<K extends keyof JudgeService>(method: K, input: Parameters<JudgeService[K]>[0], characters: number): Promise<Awaited<ReturnType<JudgeService[K]>>> {
    try {
      if (this.#worn) await this.#service?.kill();
      await this.ready();
    } catch (error) {
      throw new StartError(error instanceof Error ? error.message : String(error));
    }
    const timeoutMs = (this.#options.limitMs ?? 5000) + (characters / CHARACTERS_PER_SECOND) * 1000;
    const service = this.#service!;
    try {
      return (await service.call(method as keyof JudgeService & string, input as never, { timeoutMs })) as Awaited<ReturnType<JudgeService[K]>>;
    } catch (error) {
      // Only a process that is wholly gone is followed by another.
      if (!(error instanceof ProcessError) || error.kind !== 'thrown') await service.kill();
      throw error;
    }
  }

  async kill(): Promise<void> {
    await this.#service?.kill();
  }
}

/** A judge could not be started. */
class StartError extends Error {
  override readonly name = 'StartError';
}

export class JudgePool implements Evaluator, DocumentFinder {
  readonly #judges: Judge[];
  readonly #idle: Judge[];
  readonly #queue: Job[] = [];
  readonly #batch: number;
  readonly #ahead = new Anticipation();
  readonly #worksAhead: () => boolean;
  #closed = false;

  /** Starts nothing: the first request does, or `ready`. */
  constructor(options: JudgePoolOptions) {
    if (!Number.isInteger(options.judges) || options.judges < 1) throw new RangeError('A judge pool needs at least one judge.');
    this.#judges = Array.from({ length: options.judges }, (_, index) => new Judge(index, options));
    this.#idle = [...this.#judges].reverse();
    this.#batch = options.batch ?? 48;
    this.#worksAhead = options.worksAhead ?? (() => true);
  }

  /** Starts every judge that is not running; resolves once all can judge, rejects with ProcessError when one cannot start. */
  async ready(): Promise<void> {
    this.#assertOpen();
    await Promise.all(this.#judges.map((judge) => judge.ready()));
  }

  /** From now on `copy` tells whether a text lies inside one of these documents, and `novelty` how much of it stands in them. */
  async setDocuments(documents: readonly NamedText[]): Promise<void> {
    this.#assertOpen();
    this.#ahead.clear();
    await Promise.all(this.#judges.map((judge) => judge.setDocuments(documents)));
  }

  /**
   * One evaluation a request, in order. Rejects with ProcessError ('closed') after `close`, and with the signal's reason when it aborts;
   * never because of what a text holds. At most one batch is with each judge at a time; the rest wait here.
   */
  async evaluateMany(requests: readonly SourceRequest[], signal?: AbortSignal): Promise<Evaluation[]> {
    this.#assertOpen();
    signal?.throwIfAborted();
    const begun = this.#ahead.take(requests);
    const rest = requests.filter((_, i) => !begun[i]);
    const most = rest.length < requests.length ? Math.min(AHEAD_BATCH, this.#batch) : this.#batch;
    const parts = this.#shares(rest, most).map((part) => this.#judge(part, signal));
    const [judged, answers] = await Promise.all([all(parts), all(begun)]);
    const others = judged.flat();
    let next = 0;
    return answers.map((answer) => answer ?? others[next++]!);
  }

  /** Judges that have nothing else to do begin on these, where `worksAhead` does not forbid it. Of what is never asked for the latest few thousand are kept, until `close` or `setDocuments`. */
  anticipate(requests: readonly EvaluationRequest[], signal?: AbortSignal): void {
    if (this.#closed || !this.#worksAhead()) return;
    this.#ahead.add(requests, signal);
    this.#pump();
  }

  /** Requests that are anticipated and have not been asked for. */
  get anticipated(): number {
    return this.#ahead.size;
  }

  /**
   * The same for requests without end: one evaluation a request, in order. No more requests are taken than two batches a judge beyond
   * those whose evaluations were taken, so neither side outruns the other.
   */
  async *evaluateStream(requests: Iterable<SourceRequest> | AsyncIterable<SourceRequest>, signal?: AbortSignal): AsyncGenerator<Evaluation, void, undefined> {
    const ahead: Promise<Evaluation[]>[] = [];
    const push = (part: readonly SourceRequest[]): void => {
      const judged = this.#judge(part, signal);
      judged.catch(() => {});
      ahead.push(judged);
    };
    let part: SourceRequest[] = [], characters = 0;
    for await (const request of requests) {
      this.#assertOpen();
      part.push(request);
      characters += request.text.length;
      if (part.length < this.#batch && characters < BATCH_CHARACTERS) continue;
      push(part);
      part = [];
      characters = 0;
      if (ahead.length >= 2 * this.#judges.length) yield* await ahead.shift()!;
    }
    if (part.length > 0) push(part);
    for (const judged of ahead) yield* await judged;
  }

  /** Batches of at most `most`, as even as leaves no judge idle while another has its last one. */
  #shares<T extends SourceRequest>(requests: readonly T[], most: number): (readonly T[])[] {
    const judges = this.#judges.length;
    const turns = Math.ceil(requests.length / (most * judges));
    return [...batches(requests, Math.ceil(requests.length / Math.max(1, turns * judges)))];
  }

  #judge(part: readonly SourceRequest[], signal: AbortSignal | undefined): Promise<Evaluation[]> {
    return this.#enqueue((judge) => judgeBatch(judge, part, () => this.#closed), signal);
  }

  async documents(source: string): Promise<{ readonly text: string; readonly span: Span }[]> {
    this.#assertOpen();
    return this.#enqueue((judge) => this.#twice(() => judge.call('documents', source, source.length * 4)));
  }

  async excerpts(documents: readonly string[], length: number): Promise<string[]> {
    return this.#inParts(documents, undefined, (judge, part, characters) => judge.call('excerpts', { documents: part, length }, characters * 4));
  }

  /** Is each text valid if it ends like this? In order; false for one on which the judge fails. Several times as fast as whole evaluations. */
  async canEnd(texts: readonly Ending[], signal?: AbortSignal): Promise<boolean[]> {
    return this.#ask(texts, AS_MANY.endings * this.#batch, signal, async (judge, part) => {
      try {
        return await judge.call('verdicts', part, sizeOf(part));
      } catch (error) {
        if (this.#closed) throw error;
        return (await judgeBatch(judge, part, () => this.#closed)).map(({ valid }) => valid);
      }
    });
  }

  /** Can each text be the beginning of a program? In order; sound are those of a batch on which judges fail twice. */
  async beginnings(texts: readonly string[], signal?: AbortSignal): Promise<Beginning[]> {
    return this.#ask(texts.map((text) => ({ text, promptLength: 0 })), AS_MANY.beginnings * this.#batch, signal, async (judge, part) => {
      try {
        return await this.#twice(() => judge.call('beginnings', part.map(({ text }) => text), sizeOf(part)));
      } catch (error) {
        if (this.#closed) throw error;
        return part.map(() => 'sound' as const);
      }
    });
  }

  /** An answer for each text, in order, asked of the judges in batches of at most `most` texts. */
  async #ask<T>(texts: readonly Ending[], most: number, signal: AbortSignal | undefined, ask: (judge: Judge, part: readonly EvaluationRequest[]) => Promise<T[]>): Promise<T[]> {
    this.#assertOpen();
    const requests = texts.map(({ text, promptLength }) => ({ id: '', text, promptLength, finish: 'stop' as const }));
    const parts = this.#shares(requests, most).map((part) => this.#enqueue((judge) => ask(judge, part), signal));
    return (await all(parts)).flat();
  }

  /** What the safety filter says of texts that nobody judges, such as whole corpus files; in order. */
  async scanSafety(texts: readonly string[], signal?: AbortSignal): Promise<Pick<Evaluation, 'safety' | 'findings'>[]> {
    return this.#inParts(texts, signal, (judge, part, characters) => judge.call('scan', part, characters));
  }

  /** What judges answer to texts in batches, in order. Rejects where they fail twice. */
  async #inParts<T>(texts: readonly string[], signal: AbortSignal | undefined, ask: (judge: Judge, part: readonly string[], characters: number) => Promise<T[]>): Promise<T[]> {
    this.#assertOpen();
    const parts: Promise<T[]>[] = [];
    for (let at = 0; at < texts.length; at += this.#batch) {
      const part = texts.slice(at, at + this.#batch);
      const characters = part.reduce((sum, { length }) => sum + length, 0);
      parts.push(this.#enqueue((judge) => this.#twice(() => ask(judge, part, characters)), signal));
    }
    return (await all(parts)).flat();
  }

  /** Asks once more where the judge fails, which may be by itself; it has been replaced by then. */
  async #twice<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (this.#closed) throw error;
      return ask();
    }
  }

  /** Ends all judges. What waits or is being judged rejects; calling it again does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#ahead.clear();
    for (const job of this.#queue.splice(0)) job.drop(closedError());
    await Promise.all(this.#judges.map((judge) => judge.kill()));
  }

  #assertOpen(): void {
    if (this.#closed) throw closedError();
  }

  /** Work whose signal has aborted by the time a judge is free is dropped; what a judge has begun is short and ends. */
  #enqueue<T>(work: (judge: Judge) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({
        run: async (judge) => {
          try {
            signal?.throwIfAborted();
            resolve(await work(judge));
          } catch (error) {
            reject(this.#closed ? closedError() : error);
          }
        },
        drop: reject,
      });
      this.#pump();
    });
  }

  #pump(): void {
    // What is asked for comes first; then idle judges share what will be.
    while (this.#queue.length < this.#idle.length && this.#ahead.waiting > 0) {
      const share = Math.ceil(this.#ahead.waiting / (this.#idle.length - this.#queue.length));
      this.#ahead.begin(Math.min(share, AHEAD_BATCH, this.#batch), (requests) => this.#judge(requests, undefined));
    }
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      const judge = this.#idle.pop()!;
      const job = this.#queue.shift()!;
      void job.run(judge).finally(() => {
        this.#idle.push(judge);
        this.#pump();
      });
    }
  }
}

function closedError(): ProcessError {
  return new ProcessError('closed', 'The judges are closed; make a new JudgePool.');
}

/** Waits for all, also when one rejects, so that no rejection goes unhandled; then rejects as the first one did. */
async function all<T>(parts: readonly (T | Promise<T>)[]): Promise<Awaited<T>[]> {
  const settled = await Promise.allSettled(parts);
  return settled.map((part) => {
    if (part.status === 'rejected') throw part.reason;
    return part.value;
  });
}

function* batches<T extends SourceRequest>(requests: readonly T[], most: number): Generator<readonly T[]> {
  for (let from = 0; from < requests.length; ) {
    let end = from, characters = 0;
    do characters += requests[end++]!.text.length;
    while (end < requests.length && end - from < most && characters < BATCH_CHARACTERS);
    yield requests.slice(from, end);
    from = end;
  }
}

function sizeOf(requests: readonly SourceRequest[]): number {
  return requests.reduce((sum, { text }) => sum + text.length, 0);
}

/**
 * A batch that fails is judged text by text: two or three restarts find the one that is at fault, where halving would take one a
 * level.
 */
async function judgeBatch(judge: Judge, requests: readonly SourceRequest[], closed: () => boolean): Promise<Evaluation[]> {
  try {
    return await judge.call('evaluate', requests, sizeOf(requests));
  } catch (error) {
    if (closed()) throw error;
    const evaluations: Evaluation[] = [];
    for (const request of requests) evaluations.push(await judgeAlone(judge, request, closed));
    return evaluations;
  }
}

async function judgeAlone(judge: Judge, request: SourceRequest, closed: () => boolean): Promise<Evaluation> {
  let failure: unknown;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      return (await judge.call('evaluate', [request], request.text.length))[0]!;
    } catch (error) {
      if (closed()) throw error;
      failure = error;
    }
  }
  const kind = failure instanceof ProcessError ? failure.kind : 'start';
  const message = failure instanceof Error ? failure.message : String(failure);
  if (kind === 'timeout') return failedEvaluation(request, 'syntax', 'judge.hang', 'the judge did not answer within the limit');
  if (kind === 'crashed' || kind === 'closed') return failedEvaluation(request, 'syntax', 'judge.crash', 'the text ends its judge');
  return failedEvaluation(request, 'judge', 'judge.failed', `the judge failed twice: ${message}`);
}

function failedEvaluation({ id, text }: SourceRequest, reason: InvalidReason, kind: string, message: string): Evaluation {
  const bytes = Buffer.byteLength(text);
  const finding: Finding = { source: 'cpython', kind, message, span: { start: 0, end: bytes }, line: 1, column: 0 };
  return unread(id, bytes, reason, finding);
}
