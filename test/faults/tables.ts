/** Prints the tables in the closing lines of a run. */
import type { Reporter, TestModule } from 'vitest/node'
import { tableOf } from './table.ts'

export default class Tables implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const rows = tests.flatMap((test) => test.meta().row ?? [])
    for (const store of new Set(rows.map((row) => row.store))) {
      const own = rows.filter((row) => row.store === store)
      console.log(`\n${tableOf(store, own[0]?.lease ?? 0, own)}`)
    }
  }
}
