import { aesGcmOpen, aesGcmSeal, hexOfBytes, sha256 } from '#platform'
import { attempt } from './attempt.ts'
import { type Awaitable, chain } from './awaitable.ts'
import { isUnavailable } from './outcome.ts'
import type { SigningSecret } from './store.ts'

/**
 * What signing secrets are sealed with: a text of at least 32 bytes, such as `openssl rand -base64 32` prints, or a
 * function that fetches it. It must not lie in the store. Several are separated by commas: the first one seals, all open.
 * So a new one is put in front, the secrets are sealed anew (`reseal`), and the old one is taken away.
 */
export type MasterKey = string | (() => Awaitable<string>)

/** Which secret a seal is for. It opens for no other. */
export interface SealedFor {
  readonly service: string
  readonly keyId: string
  readonly version: string
}

export interface Sealer {
  /** Names the master key that seals. */
  masterKeyId(): Awaitable<string>
  seal(text: string, what: SealedFor): Awaitable<Pick<SigningSecret, 'sealed' | 'masterKeyId'>>
  /** Rejects when the secret is damaged, sealed for another key, or by a master key that is not there. Never throws. */
  open(secret: SigningSecret, what: SealedFor): Awaitable<string>
}

interface Unsealing {
  readonly id: string
  readonly bytes: Uint8Array
}

const MINIMUM_BYTES = 32
const NONCE_BYTES = 12
/** How long a function that fetches master keys is not asked again for one that it did not have, in milliseconds. */
const PATIENCE = 5000
/** The same after it failed, and where the newest one is asked for. */
const PAUSE = 1000

const encoder = new TextEncoder()
// `ignoreBOM` means that a byte-order mark is not taken away.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws TypeError when the option is no master key. */
export function sealer(option: MasterKey): Sealer {
  const fetch = typeof option === 'function' ? option : undefined
  let known: readonly Unsealing[] | undefined = typeof option === 'string' ? parse(option) : undefined
  let asking: Promise<readonly Unsealing[]> | undefined
  let askedAt = -Infinity
  let failure: { readonly cause: unknown; readonly at: number } | undefined
  if (known === undefined && fetch === undefined) throw new TypeError('masterKey must be a text or a function')

  function all(): Awaitable<readonly Unsealing[]> {
    return known ?? ask()
  }

  // Once for all who wait, and not at once again after it failed: it may be somebody's secret manager.
  function ask(): Promise<readonly Unsealing[]> {
    if (failure !== undefined && performance.now() - failure.at < PAUSE) return Promise.reject(failure.cause)
    asking ??= fetched().finally(() => {
      asking = undefined
    })
    return asking
  }

  async function fetched(): Promise<readonly Unsealing[]> {
    askedAt = performance.now()
    try {
      const text = await attempt(async () => fetch?.(), PATIENCE)
      if (isUnavailable(text)) throw text.cause
      known = parse(text)
      failure = undefined
      return known
    } catch (cause) {
      failure = { cause, at: performance.now() }
      throw cause
    }
  }

  /** Asks again where the function was asked longer ago, in milliseconds; where it fails, what is known does. */
  function asOf(age: number): Awaitable<readonly Unsealing[]> {
    const before = known
    if (before === undefined || fetch === undefined || performance.now() - askedAt <= age) return all()
    return ask().catch(() => before)
  }

  // A function may know a newer one by now: another node has begun to seal with it.
  function byId(id: string): Awaitable<Unsealing | undefined> {
    const find = (keys: readonly Unsealing[]) => keys.find((key) => key.id === id)
    return chain(all(), (keys) => {
      const found = find(keys)
      const asksAgain = found === undefined && fetch !== undefined && performance.now() - askedAt > PATIENCE
      return asksAgain ? chain(ask(), find) : found
    })
  }

  function opened(secret: SigningSecret, what: SealedFor): Awaitable<string> {
    return chain(byId(secret.masterKeyId), (key) => {
      if (key === undefined) {
        throw new Error(`key ${what.keyId}: sealed with master key ${secret.masterKeyId}, which is not there`)
      }
      const bytes = bytesOf(secret.sealed)
      const nonce = bytes.subarray(0, NONCE_BYTES)
      const opening = aesGcmOpen(key.bytes, nonce, bytes.subarray(NONCE_BYTES), additional(what))
      return chain(opening, (text) => {
        if (text === undefined) throw new Error(`key ${what.keyId}: its signing secret is damaged or another key's`)
        return decoder.decode(text)
      })
    })
  }

  return {
    masterKeyId: () => chain(asOf(PAUSE), (keys) => (keys[0] as Unsealing).id),

    seal: (text: string, what: SealedFor) =>
      chain(asOf(PATIENCE), (keys) => {
        const { id, bytes } = keys[0] as Unsealing
        const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
        return chain(aesGcmSeal(bytes, nonce, encoder.encode(text), additional(what)), (encrypted) => ({
          sealed: base64Of(nonce) + base64Of(encrypted),
          masterKeyId: id,
        }))
      }),

    open(secret: SigningSecret, what: SealedFor) {
      try {
        return opened(secret, what)
      } catch (cause) {
        // Where several are opened at once, one that throws would leave another's rejection to nobody.
        return Promise.reject(cause)
      }
    },
  }
}

// As JSON, so that no two secrets are written alike.
function additional({ service, keyId, version }: SealedFor): Uint8Array {
  return encoder.encode(JSON.stringify([service, keyId, version]))
}

function parse(text: unknown): readonly Unsealing[] {
  const texts = typeof text === 'string' ? text.split(',').map((part) => part.trim()) : []
  if (texts.length === 0 || texts.some((part) => encoder.encode(part).length < MINIMUM_BYTES)) {
    throw new TypeError(`masterKey must be a text of at least ${MINIMUM_BYTES} bytes, or several with commas between`)
  }
  return texts.map((part) => {
    const digest = hexOfBytes(sha256(part))
    const bytes = Uint8Array.from(digest.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
    // One way from the key, and not its digest: an id tells nothing that opens a seal.
    return { id: hexOfBytes(sha256(`master key id ${digest}`)).slice(0, 16), bytes }
  })
}

function base64Of(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

/** Nothing at all where the text is no base64: nothing opens that. */
function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  } catch {
    return new Uint8Array()
  }
}
