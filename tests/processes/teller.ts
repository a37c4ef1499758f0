/** A child for rpc.test.ts: tells, and then holds its thread without a pause until the file at `path` exists. */
import { existsSync } from 'node:fs';
import { serve } from '../../src/processes/rpc.ts';

export interface TellerService {
  fail(input: { readonly permanent: boolean }): Promise<void>;
  tell(input: { readonly count: number; readonly path?: string }, tell?: (progress: { readonly n: number }) => void): Promise<{ readonly listened: boolean }>;
}

serve<TellerService>(() => ({
  async fail({ permanent }) {
    throw Object.assign(new Error('failed on purpose'), permanent ? { permanent } : {});
  },
  async tell({ count, path }, tell) {
    for (let n = 0; n < count; n++) tell?.({ n });
    if (path !== undefined) while (!existsSync(path));
    return { listened: tell !== undefined };
  },
}));
