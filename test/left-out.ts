/** The closing lines of a run: each suite that was left out and why, then how many tests there were. */
import type { Reporter, TestCase, TestModule } from 'vitest/node'

export default class LeftOut implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const number = (state: string) => tests.filter((test) => test.result().state === state).length
    const failed = number('failed') + brokenSuites(modules) + unhandled.length
    const closing = `${number('passed')} passed, ${failed} failed, ${number('skipped')} skipped`
    console.log([...tests.flatMap(leftOut), closing].join('\n'))
  }
}

function leftOut(test: TestCase): string[] {
  const result = test.result()
  if (result.state !== 'skipped' || result.note === undefined) return []
  const suite = test.parent.type === 'suite' ? test.parent.fullName : test.fullName
  return [`left out: ${suite} (${result.note})`]
}

/** Files and suites that failed outside of a test: one that cannot be loaded, a hook that throws. */
function brokenSuites(modules: readonly TestModule[]): number {
  const suites = modules.flatMap((module) => [module, ...module.children.allSuites()])
  return suites.filter((suite) => suite.errors().length > 0).length
}
