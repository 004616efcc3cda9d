/** The same tokens by an independent implementation: `jose` must never be the stricter of the two. */
import fc from 'fast-check'
import { type JWTPayload, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { attacksOn, tokenOf } from './attacks.ts'
import { holds } from './runs.ts'
import { decide, makeBench } from './situation.ts'

const { auth, situation, secrets } = await makeBench()
const attacks = attacksOn(situation)

/** As `jose` documents it for such tokens, with the leeway that the contract has for `iat` and `nbf`. */
async function acceptedByJose(token: string): Promise<JWTPayload | undefined> {
  try {
    const { payload } = await jwtVerify(
      token,
      (header) => {
        const secret = typeof header.kid === 'string' ? secrets.get(header.kid) : undefined
        if (secret === undefined) throw new Error('no such key')
        return new TextEncoder().encode(secret)
      },
      {
        algorithms: ['HS256'],
        issuer: 'sdk',
        requiredClaims: ['exp', 'iat', 'sub'],
        clockTolerance: 30,
        currentDate: new Date(situation.now * 1000),
      },
    )
    return payload
  } catch {
    return undefined
  }
}

/** Where `jose` accepts what is denied here: the reason, and every such token by name. */
// biome-ignore format: one line for each token would be two hundred lines.
const STRICTER: Readonly<Record<string, readonly string[]>> = {
  'a key that the provider has revoked is no key any more: state that `jose` knows nothing of': [
    'a revoked key and its secret',
  ],
  'RFC 7797 §7: `b64` must not be used in a JWT; without `crit` it is ignored by `jose`': [
    'header: b64 true', 'header: b64 true, crit', 'header: b64 false', 'header: b64 null', 'header: b64 "false"',
    'header: b64 0', 'header: b64 []', 'header: b64 {}',
  ],
  'RFC 8725 §3.11: `typ`, if it is there, is `JWT`, so that no token of another kind is taken for one': [
    'header: typ ""', 'header: typ " "', 'header: typ "JWS"', 'header: typ "JWE"', 'header: typ "JOSE"',
    'header: typ "at+jwt"', 'header: typ "at+JWT"', 'header: typ "application/jwt"',
    'header: typ "application/at+jwt"', 'header: typ "dpop+jwt"', 'header: typ "sd+jwt"', 'header: typ " JWT"',
    'header: typ "JWT "', 'header: typ "JWT\\u0000"', 'header: typ "J W T"', 'header: typ "JWTs"',
    'header: typ "ＪＷＴ"', 'header: typ "logout+jwt"', 'header: typ "secevent+jwt"', 'header: typ "undefined"',
    'header: typ "toString"', 'header: typ null', 'header: typ true', 'header: typ false', 'header: typ 0',
    'header: typ 1', 'header: typ []', 'header: typ ["JWT"]', 'header: typ {}', 'header: typ {"JWT":true}',
  ],
  'RFC 8259 §8.1: a byte-order mark is no JSON; another reader would refuse it': [
    'header text: a byte-order mark', 'claims text: a byte-order mark',
  ],
  'RFC 7515 §4, RFC 8725 §2.6: of two members of one name two readers may take different ones': [
    'header text: a duplicate at the start', 'header text: a duplicate that is equal',
    'header text: a duplicate in escapes, first', 'header text: a duplicate of an unknown name',
    'header text: a duplicate of an empty name', 'header text: a duplicate of __proto__',
    'header text: a duplicate within an object', 'header text: a duplicate within an array',
    'header text: a duplicate behind a text with a brace', 'header text: a duplicate behind an escaped quote',
    'claims text: a duplicate at the end', 'claims text: a duplicate at the start',
    'claims text: a duplicate that is equal', 'claims text: a duplicate in escapes',
    'claims text: a duplicate in escapes, first', 'claims text: a duplicate of an unknown name',
    'claims text: a duplicate of an empty name', 'claims text: a duplicate of __proto__',
    'claims text: a duplicate within an object', 'claims text: a duplicate within an array',
    'claims text: a duplicate behind a text with a brace', 'claims text: a duplicate behind an escaped quote',
  ],
  'RFC 7519 §2: a date is a number of seconds that can be compared; no fractions, infinities or rounded integers': [
    'claims: exp is a fraction', 'claims: iat is a fraction', 'claims: exp is 2^53', 'claims: iat is 2^53',
    'claims: exp is 1e308', 'claims: iat is 1e308', 'claims: iat is -1e308', 'claims: nbf is -1e308',
    'claims: iat is a small fraction', 'claims: nbf is a small fraction', 'claims text: exp is 1e400',
    'claims text: exp is 1e309', 'claims text: exp is 9007199254740993', 'claims text: iat is 1e400',
    'claims text: iat is -1e400', 'claims text: iat is 1e309', 'claims text: iat is 123456789.5',
    'claims text: iat is 9007199254740993', 'claims text: nbf is -1e400', 'claims text: nbf is 123456789.5',
  ],
  'the contract has no leeway for `exp`; `jose` has one tolerance for all dates': [
    'claims: exp now', 'claims: exp a second ago',
  ],
  'a token of the future is none: `jose` looks at `iat` only with a maximum age': [
    'claims: iat in milliseconds', 'claims: iat in an hour', 'claims: iat beyond the leeway',
  ],
  'the contract says that `sub` is the key itself': [
    'claims: sub ""', 'claims: sub "x"', 'claims: sub of another key', 'claims: sub "KID in capitals"',
    'claims: sub "KID "', 'claims: sub " KID"', 'claims: sub "KID\\u0000"', 'claims: sub null', 'claims: sub true',
    'claims: sub 0', 'claims: sub []', 'claims: sub ["KID"]', 'claims: sub {}', 'claims: sub {"sub":"KID"}',
  ],
  'RFC 7515 §2: base64url without white space or padding, or one token would have many texts': [
    'header: a blank inside, signed', 'header: a blank at the end, signed', 'header: a tab at the start, signed',
    'header: a tab inside, signed', 'header: a tab at the end, signed', 'header: a line feed at the start, signed',
    'header: a line feed inside, signed', 'header: a line feed at the end, signed',
    'header: a carriage return at the start, signed', 'header: a carriage return inside, signed',
    'header: a carriage return at the end, signed', 'claims: a blank at the start, signed',
    'claims: a blank inside, signed', 'claims: a blank at the end, signed', 'claims: a tab at the start, signed',
    'claims: a tab inside, signed', 'claims: a tab at the end, signed', 'claims: a line feed at the start, signed',
    'claims: a line feed inside, signed', 'claims: a line feed at the end, signed',
    'claims: a carriage return at the start, signed', 'claims: a carriage return inside, signed',
    'claims: a carriage return at the end, signed', 'claims: padding at the end, signed',
    'signature: a blank at the start', 'signature: a blank inside', 'signature: a blank at the end',
    'signature: a tab at the start', 'signature: a tab inside', 'signature: a tab at the end',
    'signature: a line feed at the start', 'signature: a line feed inside', 'signature: a line feed at the end',
    'signature: a carriage return at the start', 'signature: a carriage return inside',
    'signature: a carriage return at the end', 'signature: padding at the end',
  ],
  'RFC 4648 §3.5: unused bits are zero, or one token would have many texts': [
    'header of 1 bytes in the last group: ends in B', 'header of 1 bytes in the last group: ends in C',
    'header of 1 bytes in the last group: ends in D', 'header of 1 bytes in the last group: ends in E',
    'header of 1 bytes in the last group: ends in F', 'header of 1 bytes in the last group: ends in G',
    'header of 1 bytes in the last group: ends in H', 'header of 1 bytes in the last group: ends in I',
    'header of 1 bytes in the last group: ends in J', 'header of 1 bytes in the last group: ends in K',
    'header of 1 bytes in the last group: ends in L', 'header of 1 bytes in the last group: ends in M',
    'header of 1 bytes in the last group: ends in N', 'header of 1 bytes in the last group: ends in O',
    'header of 1 bytes in the last group: ends in P', 'header of 2 bytes in the last group: ends in B',
    'header of 2 bytes in the last group: ends in C', 'header of 2 bytes in the last group: ends in D',
    'claims of 1 bytes in the last group: ends in B', 'claims of 1 bytes in the last group: ends in C',
    'claims of 1 bytes in the last group: ends in D', 'claims of 1 bytes in the last group: ends in E',
    'claims of 1 bytes in the last group: ends in F', 'claims of 1 bytes in the last group: ends in G',
    'claims of 1 bytes in the last group: ends in H', 'claims of 1 bytes in the last group: ends in I',
    'claims of 1 bytes in the last group: ends in J', 'claims of 1 bytes in the last group: ends in K',
    'claims of 1 bytes in the last group: ends in L', 'claims of 1 bytes in the last group: ends in M',
    'claims of 1 bytes in the last group: ends in N', 'claims of 1 bytes in the last group: ends in O',
    'claims of 1 bytes in the last group: ends in P', 'claims of 2 bytes in the last group: ends in 1',
    'claims of 2 bytes in the last group: ends in 2', 'claims of 2 bytes in the last group: ends in 3',
    'signature of 2 bytes in the last group: ends in 1', 'signature of 2 bytes in the last group: ends in 2',
    'signature of 2 bytes in the last group: ends in 3',
  ],
  '8 KiB is the longest token, so that nothing longer is decoded or hashed': [
    '8193 bytes', '8195 bytes', '9000 bytes', '20000 bytes', '200000 bytes',
  ],
}

const json = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    2 ** 53,
    situation.now,
    situation.now + 600,
    '',
    'sdk',
    'JWT',
    'HS256',
  ),
  fc.constantFrom(situation.good.kid, situation.other.kid),
  fc.jsonValue({ maxDepth: 2 }),
)
const members = (names: readonly string[]) =>
  fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 4 })), json, { maxKeys: 3 })

/** A good token with some members changed and, now and then, a character. */
const tokens = fc
  .record({
    header: members(['alg', 'kid', 'typ', 'crit', 'b64', 'cty', 'zip', 'jwk']),
    claims: members(['exp', 'iat', 'nbf', 'iss', 'sub', 'aud', 'jti']),
    edit: fc.option(fc.tuple(fc.nat(), fc.constantFrom('', 'A', 'B', '=', '.', ' ', '-')), { nil: undefined, freq: 4 }),
  })
  .map(({ header, claims, edit }) => {
    const { kid, secret } = situation.good
    const token = tokenOf(
      JSON.stringify({ alg: 'HS256', kid, typ: 'JWT', ...header }),
      JSON.stringify({ sub: kid, iat: situation.now, exp: situation.now + 600, iss: 'sdk', ...claims }),
      secret,
    )
    if (edit === undefined) return token
    const at = edit[0] % token.length
    return token.slice(0, at) + edit[1] + token.slice(at + 1)
  })

describe('jose', () => {
  it('accepts whatever is accepted here', async () => {
    for (const { name, token } of attacks) {
      if (decide(auth, token).kind === 'allowed') expect(await acceptedByJose(token), name).toBeDefined()
    }
  })

  it('is less strict for known reasons alone', async () => {
    const found: string[] = []
    for (const { name, token } of attacks) {
      const outcome = decide(auth, token)
      if (outcome.kind === 'denied' && (await acceptedByJose(token)) !== undefined) found.push(name)
    }
    expect(found.sort()).toEqual(Object.values(STRICTER).flat().sort())
  })

  holds(
    'accepts whatever is accepted here, whatever is changed',
    fc.asyncProperty(tokens, async (token) => {
      if (decide(auth, token).kind === 'allowed') expect(await acceptedByJose(token)).toBeDefined()
    }),
  )
})
