import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { expect, it } from 'vitest'
import { describeWith } from '../requirements.ts'
import { answersAsDocumented, type Runtime } from './suite.ts'

/** The app and all that it imports, as one module for Workers. */
async function bundled(): Promise<{ readonly code: string; readonly imports: readonly string[] }> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL('app.ts', import.meta.url)),
    platform: 'browser',
    resolve: { conditionNames: ['workerd', 'worker', 'browser'] },
  })
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false })
  await bundle.close()
  const [{ code, imports, dynamicImports, fileName }] = output
  // jose is imported when it is needed, here from the bundle itself.
  return { code, imports: [...imports, ...dynamicImports].filter((name) => name !== fileName) }
}

/** Without `nodejs_compat`: nothing of Node is there. */
async function startWorkerd(code: string): Promise<Runtime> {
  const { Miniflare } = await import('miniflare')
  const miniflare = new Miniflare({
    modules: [{ type: 'ESModule', path: 'app.js', contents: code }],
    compatibilityDate: '2026-04-01',
    compatibilityFlags: [],
    host: '127.0.0.1',
    port: 0,
    // Not asked from the network where this machine is.
    cf: false,
  })
  const { port } = await miniflare.ready
  return { port: Number(port), stop: () => miniflare.dispose() }
}

it('the bundle for Workers imports nothing, of Node or else', async () => {
  const { code, imports } = await bundled()
  expect(imports).toEqual([])
  expect(code.match(/(?:from|import|require)\s*\(?\s*['"`]node:\w+/g)).toBeNull()
})

describeWith('workerd', 'workerd', () => {
  answersAsDocumented(async () => startWorkerd((await bundled()).code))
})
