/** `ouroboros cache`: what the shared cache holds; `ouroboros cache clear` empties it. */
import type { Command } from 'commander';
import { Cache, defaultCacheFolder } from '../store/cache.ts';
import { exitCodes, writeJson, type CliContext, type ExitCode } from './context.ts';
import { bytesText, columns } from './text.ts';

export function addCache(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  const cache = program
    .command('cache')
    .summary('show or clear the cache of tokenizers and pretrained weights')
    .description('Lists the cache that all runs share. OUROBOROS_CACHE names another folder.')
    .option('--json', 'one entry a line')
    .addHelpText('after', '\nExamples:\n  ouroboros cache\n  ouroboros cache clear\n')
    .action((flags: { json?: boolean }) => {
      const store = new Cache(defaultCacheFolder(context.env));
      const entries = store.list();
      if (flags.json) for (const entry of entries) writeJson(context, entry);
      else {
        if (entries.length > 0) {
          const rows = entries.map((entry) => [entry.kind, entry.hash.slice(0, 12), bytesText(entry.bytes), entry.usedAt.slice(0, 16).replace('T', ' ')]);
          context.stdout.write(`${columns(['kind', 'entry', 'size', 'last used (UTC)'], rows, [0, 1])}\n`);
        }
        context.stdout.write(`${bytesText(entries.reduce((sum, entry) => sum + entry.bytes, 0))} in ${store.folder}\n`);
      }
      done(exitCodes.ok);
    });
  cache
    .command('clear')
    .summary('delete every entry')
    .description('Deletes every entry of the cache. Later runs make again what they need.')
    .option('--json', 'print {"freedBytes": …} instead of a sentence')
    .addHelpText('after', '\nExample:\n  ouroboros cache clear\n')
    .action((_: unknown, command: Command) => {
      const flags = command.optsWithGlobals<{ json?: boolean }>();
      const store = new Cache(defaultCacheFolder(context.env));
      const bytes = store.clear();
      if (flags.json) writeJson(context, { freedBytes: bytes, folder: store.folder });
      else context.stdout.write(`${bytesText(bytes)} freed in ${store.folder}\n`);
      done(exitCodes.ok);
    });
}
