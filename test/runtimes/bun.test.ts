import { describeWith } from '../requirements.ts'
import { startProgram } from './programs.ts'
import { answersAsDocumented } from './suite.ts'

describeWith('bun', 'Bun', (bun) => {
  answersAsDocumented(() => startProgram(bun))
})
