/** Before every test file: property tests look at the same examples each time. `OUROBOROS_FUZZ` asks for others, and how many. */
import fc from 'fast-check';

if (!process.env.OUROBOROS_FUZZ) fc.configureGlobal({ seed: 1 });
