/**
 * A run as it is seen on the terminal while it goes on: one line a phase, a bar during pretraining, a sample now and then. Off
 * a terminal the same as plain lines, with progress every ten seconds. It only reads events; the run does not know of it.
 */
import cliProgress from 'cli-progress';
import type { LoggedEvent } from '../contracts/events.ts';
import type { Output } from './context.ts';
import { roundLine } from './table.ts';
import { bytesText, count, durationText, harmless, indent } from './text.ts';

/** Milliseconds between two progress lines off a terminal. */
const lineEvery = 10_000;
const previewLines = 14;

export class RunView {
  readonly #out: Output;
  readonly #rounds: number;
  #bar: cliProgress.SingleBar | undefined;
  #lastLine = -Infinity;

  /** `rounds`: how many the budget allows. */
  constructor(out: Output, rounds: number) {
    this.#out = out;
    this.#rounds = rounds;
  }

  /** Writes a line; a bar that is shown stays below it. */
  say(text: string): void {
    const bar = this.#bar;
    // The bar owns the last line: it is cleared, and the next update draws it again below the text.
    if (bar) this.#out.write('\r\u001b[2K');
    this.#out.write(`${text}\n`);
  }

  show(event: LoggedEvent): void {
    switch (event.type) {
      case 'run.resumed':
        return this.say(`Resumed: goes on with round ${event.data.fromRound}.`);
      case 'corpus.ready': {
        const { files, bytes, documents, excerpts, rejected, licence } = event.data;
        const split = (['train', 'gate', 'test'] as const).map((name) => `${documents[name] ?? 0} ${name}`).join(', ');
        return this.say(`Corpus: ${count(files, 'file')}, ${bytesText(bytes)}, documents: ${split}; ${count(excerpts, 'excerpt')} of longer ones; ${rejected} left out; licence ${harmless(licence)}.`);
      }
      case 'tokenizer.ready':
        return this.say(`Tokenizer: ${event.data.vocabulary} tokens, ${event.data.bytesPerToken.toFixed(2)} bytes a token.`);
      case 'model.ready':
        return this.say(`Policy: ${(event.data.parameters / 1e6).toFixed(2)} M parameters, context ${event.data.context}, on ${event.data.backend}.`);
      case 'pretraining.progress':
        return this.#progress(event.data, event.time);
      case 'preview.created':
        this.say(`A sample at step ${event.data.step} (${event.data.valid ? 'valid' : 'not valid'}):`);
        return this.say(indent(harmless(event.data.text), '    │ ', previewLines));
      case 'pretraining.measured':
        return this.say(`Held out after ${count(event.data.step, 'step')}: ${event.data.bitsPerByte.toFixed(3)} bits a byte.`);
      case 'pretraining.finished':
        this.#endBar();
        return this.say(`Pretraining: done after ${count(event.data.steps, 'step')}.`);
      case 'round.started':
        this.#endBar();
        return this.say(`Round ${event.data.round} of ${this.#rounds}`);
      case 'activity.finished': {
        const { agent, activity, amount, seconds } = event.data;
        // Pretraining goes in hundreds of small pieces; its bar shows them.
        if (agent === 'pretrainer') return;
        return this.say(`  ${agent.padEnd(10)} ${activity}${amount > 0 ? ` (${amount})` : ''}, ${durationText(seconds)}`);
      }
      case 'refinement.finished': {
        const { failed, repaired, after } = event.data;
        return this.say(`  refiner    repaired ${repaired} of ${failed} failed samples: ${(100 * after.value).toFixed(1)} % valid afterwards`);
      }
      case 'checkpoint.rejected':
        return this.say(`  gate       rolled back: ${event.data.reasons.join('; ')}`);
      case 'alarm.raised':
        return this.say(`  alarm      ${event.data.alarm}: ${event.data.message}`);
      case 'effect.retried':
        return this.say(`  retried    ${event.data.effect} (attempt ${event.data.attempt}): ${firstLine(event.data.error)}`);
      case 'process.changed':
        if (event.data.state === 'crashed') this.say(`  process    ${event.data.process} crashed${event.data.message ? `: ${firstLine(event.data.message)}` : ''}${event.data.process.startsWith('judge') ? '; it is started again' : ''}`);
        return;
      case 'command.received':
        return this.say(`  command    ${event.data.command}`);
      case 'round.finished':
        this.#endBar();
        return this.say(roundLine(event.data));
      case 'run.failed':
        this.#endBar();
        return this.say(`The run failed: ${firstLine(event.data.message)}`);
      default:
        return;
    }
  }

  /** Takes the bar away. */
  close(): void {
    this.#endBar();
  }

  #progress(data: { step: number; totalSteps: number; loss: number; tokensPerSecond: number; secondsLeft: number }, time: number): void {
    const payload = { loss: data.loss.toFixed(3), speed: Math.round(data.tokensPerSecond), left: durationText(data.secondsLeft) };
    if (!this.#out.isTTY) {
      if (time - this.#lastLine < lineEvery) return;
      this.#lastLine = time;
      return this.say(`Pretraining: step ${data.step} of ${data.totalSteps}, loss ${payload.loss}, ${payload.speed} tokens/s, ${payload.left} left`);
    }
    if (!this.#bar) {
      this.#bar = new cliProgress.SingleBar({
        format: 'Pretraining {bar} {value}/{total} · loss {loss} · {speed} tokens/s · {left} left',
        barCompleteChar: '█',
        barIncompleteChar: '░',
        barsize: 24,
        stream: this.#out as NodeJS.WritableStream,
        // Ctrl-C belongs to the run.
        gracefulExit: false,
        hideCursor: null,
        forceRedraw: true,
        fps: 4,
      });
      this.#bar.start(data.totalSteps, data.step, payload);
    }
    this.#bar.update(data.step, payload);
  }

  #endBar(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

function firstLine(text: string): string {
  return harmless(text.split('\n')[0] ?? '');
}
