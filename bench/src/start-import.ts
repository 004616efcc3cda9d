/** Imports what it is told, in a fresh process, and answers how many milliseconds it took. */
import { answer } from './child.ts'

const start = performance.now()
for (const module of process.argv.slice(2)) await import(module)
answer(performance.now() - start)
