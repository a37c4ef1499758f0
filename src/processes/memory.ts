/** How the program's own processes treat memory that they no longer need. Not here: limits of judges (judge-entry.ts) and of programs (sandbox.ts). */
import { setFlagsFromString } from 'node:v8';

/**
 * From now on the heap of this process is collected once it has grown by 30 %. Left to itself V8 lets it grow several times over: in some runs the main
 * process held 130 MB of garbage after a hundred short rounds, in others nothing. An engine that does not know the flag says so and goes on.
 */
export function collectEarly(): void {
  setFlagsFromString('--heap-growing-percent=30');
}

/** glibc's allocator gives threads arenas of their own and none of them back: a model host, whose weights are compiled anew each round, holds 100 MB more after a hundred rounds. */
export const FEW_ARENAS = { MALLOC_ARENA_MAX: '2' };
