import type { Mutant } from './mutant.ts'
import { COUNTING } from './mutants/core/counting.ts'
import { DECIDING } from './mutants/core/deciding.ts'
import { KEEPING } from './mutants/core/keeping.ts'
import { MANAGING } from './mutants/core/managing.ts'
import { PROVING } from './mutants/core/proving.ts'
import { OTHERS } from './mutants/others.ts'
import { REDIS } from './mutants/store-redis.ts'
import { SQL } from './mutants/store-sql.ts'

/** Every check that can be taken away. */
export const MUTANTS: readonly Mutant[] = [
  ...PROVING,
  ...DECIDING,
  ...COUNTING,
  ...KEEPING,
  ...MANAGING,
  ...SQL,
  ...REDIS,
  ...OTHERS,
]
