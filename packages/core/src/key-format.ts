import { MINIMUM_BITS } from './entropy.ts'
import { checkMembers, membersOf } from './known.ts'

const ALPHABETS = {
  base36: '0123456789abcdefghijklmnopqrstuvwxyz',
  base62: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
} as const

const CHECKSUM_LENGTH = 6

/** Longer texts are refused before they are hashed. In bytes: a key is ASCII. */
export const MAX_KEY_LENGTH = 256

/** How a provider's keys are written: `prefix`, then the public id if there is one, then `length` characters. */
export interface KeyFormat {
  /** Printable ASCII without blank, comma or quote. May be empty. */
  readonly prefix: string
  /** Characters after the prefix (and after the id), the checksum's six included. */
  readonly length: number
  readonly alphabet: keyof typeof ALPHABETS
  /**
   * The last six characters are a CRC-32 of all before them, so that typos and garbage never reach the store and secret
   * scanners can match offline. Not a protection: anybody can compute it, and of base36 texts one in 2^31 fits by chance.
   * Default false.
   */
  readonly checksum?: boolean
  /**
   * Keys carry their public id: ten digits and `_` after the prefix of the text, and the key's id is `prefix` here
   * followed by the same digits. A denial of an unusable key can then name the id: the one in the text if it is well
   * formed, else one of the same shape that is derived from the text's digest, whether or not such a key exists.
   */
  readonly id?: { readonly prefix: string }
}

export interface MintedKey {
  readonly text: string
  /** The key's public id, where the format has one. */
  readonly id: string | undefined
}

export interface KeyCodec {
  /**
   * A new key with at least 128 random bits. `id`: keeps the id of an earlier version of the same key.
   *
   * @throws TypeError when that is no id of this format.
   */
  mint(id?: string): MintedKey
  /** Whether the text is written like a key and its checksum holds. Does not say that such a key exists. */
  accepts(text: string): boolean
  /** The id in the text, where the format has one and it is well formed. */
  idIn(text: string): string | undefined
  /** Prefix and last four characters, for people. */
  display(text: string): string
}

const KEY_FORMAT = membersOf<KeyFormat>({ prefix: true, length: true, alphabet: true, checksum: true, id: true })

/** @throws TypeError naming the option, when the format is none or leaves fewer than 128 random bits. */
export function keyCodec(format: KeyFormat): KeyCodec {
  checkMembers('key', format, KEY_FORMAT)
  const { prefix, length, alphabet, checksum = false, id } = format
  const characters = ALPHABETS[alphabet]
  if (characters === undefined) throw new TypeError(`key.alphabet must be one of ${Object.keys(ALPHABETS).join(', ')}`)
  if (typeof prefix !== 'string' || !/^[!#-+\--~]*$/.test(prefix)) {
    throw new TypeError('key.prefix must be printable ASCII without blank, comma or quote')
  }
  const randomLength = length - (checksum ? CHECKSUM_LENGTH : 0)
  if (!Number.isInteger(length) || randomLength * Math.log2(characters.length) < MINIMUM_BITS) {
    throw new TypeError(`key.length must leave at least ${MINIMUM_BITS} random bits`)
  }
  const textLength = prefix.length + (id ? 11 : 0) + length
  if (textLength > MAX_KEY_LENGTH) throw new TypeError(`key.length must keep the key within ${MAX_KEY_LENGTH} bytes`)

  const body = `[${alphabet === 'base36' ? '0-9a-z' : '0-9A-Za-z'}]{${length}}`
  const start = escapeRegExp(prefix) + (id ? '([0-9]{10})_' : '')
  const whole = new RegExp(`^${start}${body}$`)
  const head = new RegExp(`^${start}`)

  return {
    mint(keep?: string): MintedKey {
      const digits = id && digitsOf(id.prefix, keep)
      const text = prefix + (digits === undefined ? '' : `${digits}_`) + randomText(characters, randomLength)
      return {
        text: checksum ? text + checksumOf(text, characters) : text,
        id: id && id.prefix + digits,
      }
    },
    accepts(text: string): boolean {
      if (!whole.test(text)) return false
      if (!checksum) return true
      const end = textLength - CHECKSUM_LENGTH
      return text.slice(end) === checksumOf(text.slice(0, end), characters)
    },
    idIn(text: string): string | undefined {
      const digits = id && head.exec(text)?.[1]
      return digits === undefined ? undefined : id?.prefix + digits
    },
    display: (text: string): string => displayOf(prefix, text),
  }
}

export function displayOf(prefix: string, text: string): string {
  return `${prefix}…${text.slice(-4)}`
}

function digitsOf(prefix: string, keep: string | undefined): string {
  if (keep === undefined) return randomText('0123456789', 10)
  const digits = keep.slice(prefix.length)
  if (!keep.startsWith(prefix) || !/^[0-9]{10}$/.test(digits))
    throw new TypeError(`id must be ${prefix} and ten digits`)
  return digits
}

/** Evenly distributed characters: bytes that would favour the alphabet's start are thrown away. */
function randomText(alphabet: string, length: number): string {
  const limit = 256 - (256 % alphabet.length)
  let text = ''
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < limit && text.length < length) text += alphabet.charAt(byte % alphabet.length)
    }
  }
  return text
}

function checksumOf(text: string, alphabet: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = alphabet.charAt(rest % alphabet.length) + digits
    rest = Math.floor(rest / alphabet.length)
  }
  return digits
}

// The CRC-32 of gzip and PNG (reflected, polynomial 0xEDB88320): what secret scanners know. `zlib.crc32` is Node's alone.
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

function crc32(text: string): number {
  let crc = 0xffffffff
  for (let i = 0; i < text.length; i++) crc = (CRC_TABLE[(crc ^ text.charCodeAt(i)) & 0xff] as number) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}
