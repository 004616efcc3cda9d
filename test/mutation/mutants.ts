import type { Mutant } from './mutant.ts'
import { CORE } from './mutants/core.ts'
import { OTHERS } from './mutants/others.ts'
import { REDIS } from './mutants/store-redis.ts'
import { SQL } from './mutants/store-sql.ts'

/** Every check that can be taken away. */
export const MUTANTS: readonly Mutant[] = [...CORE, ...SQL, ...REDIS, ...OTHERS]
