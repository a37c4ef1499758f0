/** How the program's own processes treat memory that they no longer need. Not here: limits of judges (judge-entry.ts) and of programs (sandbox.ts). */

/**
 * V8's flag by which a heap is collected once it has grown by this much. Left to itself V8 lets it grow several times over: in some runs the main
 * process held 130 MB of garbage after a hundred short rounds, in others nothing.
 */
export const HEAP_GROWTH = '--heap-growing-percent=30';

/** glibc's allocator gives threads arenas of their own and none of them back: a model host, whose weights are compiled anew each round, holds 100 MB more after a hundred rounds. */
export const FEW_ARENAS = { MALLOC_ARENA_MAX: '2' };
