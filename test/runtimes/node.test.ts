import { join } from 'node:path'
import { describe } from 'vitest'
import { describeWith } from '../requirements.ts'
import { startProgram } from './programs.ts'
import { answersAsDocumented } from './suite.ts'

// The one that runs the tests is proven by all the others.
describeWith('nodes', 'Node', (folder) => {
  describe.each(['22', '24', '26'])('%s', (version) => {
    answersAsDocumented(() => startProgram(join(folder, `node_modules/node-${version}/bin/node`)))
  })
})
