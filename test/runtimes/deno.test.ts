import { describeWith } from '../requirements.ts'
import { startProgram } from './programs.ts'
import { answersAsDocumented } from './suite.ts'

// No permission but its own port: reading keys of an environment, files or the network is nothing that Latchkey needs.
const WORDS = ['run', '--no-prompt', '--no-lock', '--cached-only', '--node-modules-dir=manual', '--allow-net=127.0.0.1']

describeWith('deno', 'Deno', (deno) => {
  answersAsDocumented(() => startProgram(deno, WORDS))
})
