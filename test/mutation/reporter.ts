import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** A line for each mutant as it is killed or survives, and the count in the last line. */
export default class Mutants implements Reporter {
  onTestCaseResult(test: TestCase): void {
    if (test.result().state === 'skipped') return
    const killed = test.result().state === 'passed'
    const check = test.parent.type === 'suite' ? test.parent.name : test.name
    console.log(`${killed ? 'killed  ' : 'SURVIVED'} ${check}`)
    if (!killed)
      console.log(
        test
          .result()
          .errors?.map((error) => `         ${error.message}`)
          .join('\n'),
      )
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const all = modules.flatMap((module) => [...module.children.allTests()])
    const tests = all.filter((test) => test.result().state !== 'skipped')
    const killed = tests.filter((test) => test.result().state === 'passed').length
    for (const error of unhandled) console.log(error)
    console.log(`${killed} of ${tests.length} mutants killed`)
  }
}
