/** The code of a lane's thread: it opens the steps that it is sent, decodes what it is asked to, and tells what has finished. */
import { parentPort } from 'node:worker_threads';
import { allocateAll, openProgram, type Arrays, type Program } from '../engine/program.ts';
import { RandomStream } from '../random/philox.ts';
import { Lane, Width } from './lane.ts';
import type { FromThread, ToThread } from './lane-threads.ts';
import { Lexicon } from './lexical.ts';

interface Memory extends Omit<Extract<ToThread, { type: 'memory' }>, 'lexicon'> {
  readonly lexicon: Lexicon | null;
  /** Key and value caches by number of slots: one decoder works at a time. */
  readonly caches: ReadonlyMap<number, Arrays>;
}
interface Opened {
  readonly lane: Lane;
  readonly programs: Promise<Program>[];
}

const memories = new Map<number, Memory>();
const decoders = new Map<number, Opened>();
// eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
const send = (message: FromThread): void => parentPort!.postMessage(message);

function open({ engine, shape, lexicon, widths, caches }: Memory): Opened {
  const programs: Promise<Program>[] = [];
  const lane = new Lane(shape, widths.map(({ slots, step }) => new Width(slots, caches.get(slots)!, () => {
    const program = openProgram(engine, step);
    programs.push(program);
    return program;
  })), lexicon, { onDevice: false, draws: false });
  return { lane, programs };
}

async function decode({ call, memory, decoder, jobs, options }: Extract<ToThread, { type: 'decode' }>): Promise<void> {
  try {
    const opened = decoders.get(decoder) ?? open(memories.get(memory)!);
    decoders.set(decoder, opened);
    const indexed = jobs.map(({ index, prompt, maxTokens, key }) => ({ index, job: { prompt, maxTokens, random: RandomStream.of(key) } }));
    await opened.lane.decode(indexed, options, (finished) => send({ type: 'finished', call, finished }));
    send({ type: 'done', call });
  } catch (error) {
    send({ type: 'failed', call, message: error instanceof Error ? error.message : String(error) });
  }
}

async function release(decoder: number): Promise<void> {
  const opened = decoders.get(decoder);
  if (!opened) return;
  decoders.delete(decoder);
  opened.lane.release();
  for (const program of await Promise.all(opened.programs)) program.release();
}

// One after the other: caches are shared.
let queue: Promise<void> = Promise.resolve();
parentPort!.on('message', (message: ToThread) => {
  queue = queue.then(() => {
    if (message.type === 'decode') return decode(message);
    if (message.type === 'release') return release(message.decoder);
    const { lexicon, widths } = message;
    memories.set(message.memory, {
      ...message, lexicon: lexicon && new Lexicon(lexicon.bytes, lexicon.special), caches: new Map(widths.map(({ slots, step }) => [slots, allocateAll(step.variables)])),
    });
  });
});
