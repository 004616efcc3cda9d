import type { Contract } from './contract.ts'
import { digestKey, pepperDigest } from './digest.ts'
import { estimatedBits, MINIMUM_BITS } from './entropy.ts'
import type { IdentityProvider } from './identity.ts'
import { displayOf, type KeyCodec, keyCodec, MAX_KEY_LENGTH } from './key-format.ts'
import type { ImportedKey } from './keys.ts'
import { checkText, settled } from './manage.ts'
import type { Sealer } from './seal.ts'
import type { KeySecret, Secret, SigningSecret } from './store.ts'
import { isLongEnough, MIN_SIGNING_SECRET_BYTES } from './verify-token.ts'

export interface SecretMaker {
  /** What a key of this contract is, by default. */
  kindOf(kind: Secret['kind'] | undefined): Secret['kind']
  /** A new secret at random, for the key with the id `keep`, or for one that gets an id with it. */
  draw(kind: Secret['kind'], at: number, keep?: string): Promise<NewSecret & { readonly text: string }>
  /** The secret of a key that was made elsewhere. */
  take(kind: Secret['kind'], details: ImportedKey, at: number): Promise<NewSecret>
}

export interface NewSecret {
  readonly id: string
  readonly secret: Secret
}

export interface SecretMakerOptions {
  readonly contract: Contract<string, string, string, readonly IdentityProvider[]>
  readonly pepper: string | undefined
  readonly seals: Sealer | undefined
  /** Milliseconds that the master key's source may take. */
  readonly timeout: number
}

const MAX_SIGNING_SECRET_LENGTH = 4096

/** Makes the secrets of a contract's keys, and what a store keeps of them. Its methods throw or reject with a TypeError. */
export function secretMaker({ contract, pepper, seals, timeout }: SecretMakerOptions): SecretMaker {
  const service = contract.name
  const codec = contract.key && keyCodec(contract.key)
  const hasTokens = contract.token !== undefined || (contract.identity ?? []).length > 0

  function kindOf(kind: Secret['kind'] = codec === undefined ? 'signing' : 'key'): Secret['kind'] {
    if (kind !== 'key' && kind !== 'signing') throw new TypeError('kind must be key or signing')
    if ((kind === 'key' ? contract.key : contract.token) !== undefined) return kind
    throw new TypeError(`kind: contract ${service} has no ${kind === 'key' ? 'key format' : 'token rules'}`)
  }

  function keySecret(digest: string, display: string, at: number): KeySecret {
    return { kind: 'key', digest, display, createdAt: at, expiresAt: null }
  }

  async function signingSecret(text: string, keyId: string, at: number): Promise<SigningSecret> {
    if (seals === undefined) throw new TypeError('masterKey must be given')
    const version = crypto.randomUUID()
    return {
      kind: 'signing',
      version,
      ...(await settled(() => seals.seal(text, { service, keyId, version }), timeout)),
      createdAt: at,
      expiresAt: null,
    }
  }

  /** A new secret for a key that has an id already, or for one that has none. */
  async function draw(kind: Secret['kind'], at: number, keep?: string) {
    if (kind === 'signing') {
      const id = keep ?? crypto.randomUUID()
      const text = randomBase64Url(MIN_SIGNING_SECRET_BYTES)
      return { id, text, secret: await signingSecret(text, id, at) }
    }
    const { mint, display } = codec as KeyCodec
    const { text, id } = mint(contract.key?.id && keep)
    return {
      id: keep ?? id ?? `key_${crypto.randomUUID()}`,
      text,
      secret: keySecret(digestKey(text, pepper), display(text), at),
    }
  }

  function kidOf({ id = crypto.randomUUID() }: ImportedKey): string {
    // Another `kid` never reaches the store.
    if (!/^[\x20-\x7e]*$/.test(checkText('id', id))) throw new TypeError('id must be printable ASCII')
    return id
  }

  /** The id that the text carries, so that denials name one and the same, whether the key is known or not. */
  function idOf({ text = '' }: ImportedKey): string {
    return codec?.idIn(text) ?? codec?.mint().id ?? `key_${crypto.randomUUID()}`
  }

  function importedSecret({ text, digest, dangerouslyAllowGuessableText }: ImportedKey, at: number): KeySecret {
    if (digest !== undefined) {
      if (text !== undefined) throw new TypeError('digest: a key is imported by its text or its digest, not by both')
      if (!/^[0-9a-f]{64}$/i.test(digest)) throw new TypeError('digest must be 64 hexadecimal digits')
      return keySecret(pepperDigest(digest.toLowerCase(), pepper), '…', at)
    }
    if (typeof text !== 'string' || !/^[\x21-\x2b\x2d-\x7e]+$/.test(text) || text.length > MAX_KEY_LENGTH) {
      throw new TypeError(`text must be 1 to ${MAX_KEY_LENGTH} printable ASCII characters without blank or comma`)
    }
    if (hasTokens && text.includes('.')) throw new TypeError('text: with a dot it would be a token')
    if (contract.carriers.every(({ kind }) => kind === 'bearer') && !/^[A-Za-z0-9\-._~+/]+=*$/.test(text)) {
      throw new TypeError('text must be of the characters that a Bearer token may have (RFC 6750 §2.1)')
    }
    const isOwn = codec?.accepts(text) === true
    if (!isOwn && contract.imported !== true) {
      throw new TypeError(`text is no key of ${service}'s own format, and its contract is not \`imported\``)
    }
    checkGuessable(text, dangerouslyAllowGuessableText)
    return keySecret(digestKey(text, pepper), isOwn ? codec.display(text) : importedDisplay(text), at)
  }

  async function importedSigning({ text, dangerouslyAllowGuessableText }: ImportedKey, id: string, at: number) {
    if (typeof text !== 'string' || !isLongEnough(text)) {
      throw new TypeError(`text must be a signing secret of at least ${MIN_SIGNING_SECRET_BYTES} bytes`)
    }
    if (text.length > MAX_SIGNING_SECRET_LENGTH) {
      throw new TypeError(`text must have at most ${MAX_SIGNING_SECRET_LENGTH} characters`)
    }
    checkGuessable(text, dangerouslyAllowGuessableText)
    return signingSecret(text, id, at)
  }

  async function take(kind: Secret['kind'], details: ImportedKey, at: number): Promise<NewSecret> {
    if (kind === 'signing') {
      const id = kidOf(details)
      return { id, secret: await importedSigning(details, id, at) }
    }
    if (details.id !== undefined) throw new TypeError('id: an imported API key gets an id of its own')
    return { id: idOf(details), secret: importedSecret(details, at) }
  }

  return { kindOf, draw, take }
}

/** Of a short text the last four characters would be too much of it. */
function importedDisplay(text: string): string {
  return text.length < 16 ? '…' : displayOf('', text)
}

function checkGuessable(text: string, allowed: boolean | undefined): void {
  if (allowed === true || estimatedBits(text) >= MINIMUM_BITS) return
  throw new TypeError(
    `text is estimated to have fewer than ${MINIMUM_BITS} random bits; dangerouslyAllowGuessableText takes it all the same`,
  )
}

function randomBase64Url(bytes: number): string {
  const binary = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes)))
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
