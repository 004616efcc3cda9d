/** Tokens in a process: HS256 that a key signed, and what an identity provider signs. */
import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  hash,
  sign as signWith,
  verify as verifyWith,
} from 'node:crypto'
import { problemDetails } from '@latchkey/contracts'
import { createAuth, memoryStore, type PublicKeyAlgorithm } from '@latchkey/core'
import { createVerifier } from 'fast-jwt'
import { verifyWithJwks } from 'hono/jwt'
import { createLocalJWKSet, type JWK, jwtVerify } from 'jose'
import { flat, type Incoming, incoming, insertCustomer, type Signer, signingInput, tokenSigner } from './fixtures.ts'
import { type Report, timedTable } from './markdown.ts'
import { ownRow } from './own.ts'
import { orFalse, orRejected, type TokenPeer, tokenPeers } from './peer-tokens.ts'
import { atMost, prove, type Rounds, type Row, type Timed, timedOf, timeRows } from './rounds.ts'

/** So many tokens that nobody has seen are made for each round; so many are seen again and again. */
const NEVER_SEEN = 1000
const SEEN = 100
/** Tokens of an identity provider are dear to sign. */
const PROVIDED = 50

const OURS = 'Latchkey'
const J = 'J: createHmac and JSON.parse'
const FLOOR = 'crypto.verify'
const C = 'C: crypto.hash, a Map and exp'

export async function benchTokens(quick: boolean): Promise<Report> {
  const rounds = quick ? 5 : 31
  const signer = await tokenSigner()
  const never = await timeNeverSeen(signer, rounds)
  const seen = await timeSeen(signer, rounds)
  const provided: string[] = []
  for (const algorithm of ['RS256', 'ES256', 'EdDSA'] as const) {
    const timed = await timeProvided(algorithm, quick ? 3 : 15)
    const floor = timedOf(timed, FLOOR)
    provided.push(`#### ${algorithm}`, timedTable(timed, ['crypto.verify', floor], timedOf(timed, OURS)))
  }

  const [unseen, unseenFloor] = [timedOf(never, OURS), timedOf(never, J)]
  const [known, knownFloor] = [timedOf(seen, OURS), timedOf(seen, C)]
  return {
    markdown: [
      '## Tokens in a process',
      `Microseconds of the processor. J is \`createHmac\` with a prepared key, and \`JSON.parse\` of the claims. C is
\`crypto.hash\` of the token, a \`Map\` and a look at \`exp\`. Ours is the whole decision, from the raw header fields; peers get the token's text, koa-jwt and express-jwt
a header that was parsed already. A secret is given as a prepared key to those who take one.`,
      '### HS256, never seen before',
      timedTable(never, ['J', unseenFloor], unseen),
      `### HS256, ${SEEN} tokens seen again and again`,
      timedTable(seen, ['C', knownFloor], known),
      `### Tokens of an identity provider, never seen before, its keys there as a JWKS`,
      ...provided,
    ].join('\n\n'),
    targets: [
      atMost('HS256 never seen', unseen, unseenFloor, 1.25, 'J'),
      atMost('HS256 never seen, beside fast-jwt', unseen, timedOf(never, 'fast-jwt'), 1 / 1.15, 'of it'),
      atMost('HS256 seen', known, knownFloor, 1.5, 'C'),
      atMost("HS256 seen, beside fast-jwt's cache", known, timedOf(seen, 'fast-jwt, its cache'), 1 / 2.5, 'of it'),
      atMost('HS256 seen, beside jose', known, timedOf(seen, 'jose'), 1 / 20, 'of it'),
    ],
  }
}

/** Tokens, and the requests that bring them. −1 is one that must be refused. */
interface Presented {
  readonly tokens: readonly string[]
  readonly requests: readonly Incoming[]
}

function presented(good: readonly string[], bad: string): Presented {
  const tokens = [...good, bad]
  return { tokens, requests: tokens.map((token) => incoming('Authorization', `Bearer ${token}`)) }
}

async function timeNeverSeen(signer: Signer, rounds: number): Promise<readonly Timed[]> {
  const make = () => presented(Array.from({ length: NEVER_SEEN }, signer.sign), signer.forge())
  let now = make()
  const prepare = () => {
    now = make()
  }
  const { secret } = signer
  const floor = {
    name: J,
    run(i: number) {
      const token = at(now.tokens, i)
      const dot = token.lastIndexOf('.')
      const input = token.slice(0, dot)
      if (createHmac('sha256', secret).update(input).digest('base64url') !== token.slice(dot + 1)) return false
      const claims = JSON.parse(Buffer.from(input.slice(input.indexOf('.') + 1), 'base64url').toString())
      return claims.exp * 1000 > Date.now()
    },
  }
  const rows = [floor, ...signedRows(signer, () => now)]
  return provenRounds(rows, { rounds, count: NEVER_SEEN, prepare })
}

async function timeSeen(signer: Signer, rounds: number): Promise<readonly Timed[]> {
  const all = presented(Array.from({ length: SEEN }, signer.sign), signer.forge())
  const exp = Date.now() + 3_600_000
  const known = new Map(all.tokens.slice(0, -1).map((token) => [hash('sha256', token, 'hex'), { exp }]))
  const floor = {
    name: C,
    run: (i: number) => (known.get(hash('sha256', at(all.tokens, i), 'hex'))?.exp ?? 0) > Date.now(),
  }
  return provenRounds([floor, ...signedRows(signer, () => all)], { rounds, count: 5000 })
}

function signedRows({ auth, secret, issuer }: Signer, now: () => Presented): readonly Row[] {
  return [
    ownRow(OURS, auth.authenticator(), (i) => at(now().requests, i)),
    ...tokenPeers(secret, issuer).map((peer) => peerRow(peer, now)),
  ]
}

function peerRow({ name, check }: TokenPeer, now: () => Presented): Row {
  return { name, run: (i) => check(at(now().tokens, i)) }
}

/** The good ones one after the other; a negative number counts from the end. */
function at<T>(all: readonly T[], i: number): T {
  return all.at(i < 0 ? i : i % (all.length - 1)) as T
}

async function provenRounds(rows: readonly Row[], rounds: Rounds): Promise<readonly Timed[]> {
  for (const row of rows) await prove(row, 0, -1)
  return timeRows(rows, rounds)
}

async function timeProvided(algorithm: PublicKeyAlgorithm, rounds: number): Promise<readonly Timed[]> {
  const { publicKey, privateKey } = keyPair(algorithm)
  // Not of the very key that Node has made: Node 20 may wait for itself for ever then.
  const published = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' }))
  const jwk = { ...published.export({ format: 'jwk' }), kid: 'first', alg: algorithm, use: 'sig' } as JWK & {
    kid: string
  }
  const [issuer, audience] = ['https://login.example.com/', 'https://api.example.com']
  const provider = { issuer, audience, algorithms: [algorithm], jwks: { keys: [jwk] } }
  const store = memoryStore()
  await insertCustomer(store)
  const auth = createAuth({ contract: problemDetails({ name: 'bench', identity: [provider] }), store })

  const digest = algorithm === 'EdDSA' ? null : 'sha256'
  const signature = (input: string) =>
    signWith(digest, Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const sign = () => {
    const iat = Math.floor(Date.now() / 1000)
    const claims = { iss: issuer, aud: audience, sub: 'customer', iat, exp: iat + 3600 }
    const input = signingInput({ alg: algorithm, kid: 'first' }, claims)
    return flat(`${input}.${signature(input).toString('base64url')}`)
  }
  const forge = () => flat(`${sign().split('.', 2).join('.')}.${sign().split('.')[2]}`)
  const make = () => presented(Array.from({ length: PROVIDED }, sign), forge())
  let now = make()
  const prepare = () => {
    now = make()
  }

  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
  const keys = createLocalJWKSet({ keys: [jwk] })
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const peers: readonly TokenPeer[] = [
    {
      name: FLOOR,
      check(token) {
        const dot = token.lastIndexOf('.')
        return verifyWith(digest, Buffer.from(token.slice(0, dot)), key, Buffer.from(token.slice(dot + 1), 'base64url'))
      },
    },
    {
      name: 'fast-jwt, with a PEM',
      check: orFalse(createVerifier({ key: pem, algorithms: [algorithm], allowedIss: issuer, allowedAud: audience })),
    },
    {
      name: 'jose',
      check: orRejected((token) => jwtVerify(token, keys, { algorithms: [algorithm], issuer, audience })),
    },
    {
      name: 'hono verifyWithJwks',
      check: orRejected((token) =>
        verifyWithJwks(token, {
          keys: [jwk],
          allowedAlgorithms: [algorithm],
          verification: { iss: issuer, aud: audience },
        }),
      ),
    },
  ]
  const [floor, ...others] = peers.map((peer) => peerRow(peer, () => now))
  const own = (name: string, request: () => Presented) =>
    ownRow(name, auth.authenticator(), (i) => at(request().requests, i))
  const seen = now
  const rows = [floor as Row, own(OURS, () => now), own(`${OURS}, seen again and again`, () => seen), ...others]
  return provenRounds(rows, { rounds, count: PROVIDED, prepare })
}

function keyPair(algorithm: PublicKeyAlgorithm) {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return algorithm === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('rsa', { modulusLength: 2048 })
}
