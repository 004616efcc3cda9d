import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { aiApi, viddyscribe, viesus, viralsync, visualLayer } from '@latchkey/contracts'
import { type AnyContract, defineContract } from '@latchkey/core'
import { Failure } from './failure.ts'

const BUILT_IN: readonly (() => AnyContract)[] = [viesus, viralsync, aiApi, viddyscribe, visualLayer]

export interface ServiceOptions {
  /** A contract's name; `aiApi` is `ai-api` too. */
  readonly service?: string | undefined
  /** A path to an ES module that exports contracts. Default: the built-in ones. */
  readonly contract?: string | undefined
}

/** The contract that the options choose. */
export async function chooseContract({ service, contract: path }: ServiceOptions): Promise<AnyContract> {
  const contracts = await contractsOf(path)
  const names = contracts.map(({ name }) => name).join(', ')
  const [first] = contracts
  if (service === undefined) {
    if (first !== undefined && contracts.length === 1) return first
    throw new Failure('usage', `no service: give --service with one of ${names}, or --contract MODULE for your own API`)
  }
  const wanted = service.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const found = contracts.find(({ name }) => name === service || name === wanted)
  if (found !== undefined) return found
  const own = path === undefined ? ', or --contract MODULE given for your own API' : ''
  throw new Failure('usage', `unknown service: --service must be one of ${names}${own}`)
}

/** The contracts of a module, at least one; without a path the built-in ones. */
export async function contractsOf(path: string | undefined): Promise<readonly AnyContract[]> {
  if (path === undefined) return BUILT_IN.map((make) => make())
  const exported: unknown[] = Object.values(await load(path))
  const contracts = new Set(exported.filter(isContract))
  if (contracts.size === 0) throw new Failure('usage', `--contract: ${path} exports no contract`)
  const names = [...contracts].map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice !== undefined) throw new Failure('usage', `--contract: ${path} exports two contracts named ${twice}`)
  return [...contracts].map((contract) => defineContract(contract))
}

async function load(path: string): Promise<object> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as object
  } catch (error) {
    const [line] = String((error as Error | null)?.message).split('\n')
    throw new Failure('usage', `--contract: ${path} cannot be loaded: ${line}`)
  }
}

// Whether it is a whole one, `defineContract` says.
function isContract(value: unknown): value is AnyContract {
  return typeof value === 'object' && value !== null && 'name' in value && 'carriers' in value && 'denials' in value
}
