/** Tokens around a good one, each changed in one way, with what has to become of it. */
import { createHash, createHmac } from 'node:crypto'

/** `accepted`, or the denial: its code, and for an invalid token the private reason. */
export type Verdict =
  | 'accepted'
  | 'malformed'
  | 'expired'
  | 'revoked'
  | `invalid: ${'signature' | 'key' | 'expiry' | 'issued_at' | 'not_before' | 'issuer' | 'subject'}`

export interface Attack {
  readonly name: string
  readonly token: string
  readonly verdict: Verdict
}

export interface Signer {
  readonly kid: string
  readonly secret: string
}

export interface Situation {
  /** Seconds since the epoch. */
  readonly now: number
  readonly good: Signer
  /** Another good key of the same service. */
  readonly other: Signer
  readonly revoked: Signer
  /** A good key of another service. */
  readonly foreign: Signer
}

type Json = Readonly<Record<string, unknown>>

const encode = (text: string | Uint8Array): string => Buffer.from(text as string).toString('base64url')
const mac = (input: string, secret: string, hash = 'sha256'): string =>
  createHmac(hash, secret).update(input).digest('base64url')

/** A token of texts that need not be JSON; `signature` for one that is not the right one. */
export function tokenOf(
  header: string | Uint8Array,
  claims: string | Uint8Array,
  secret: string,
  signature?: string,
): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${signature ?? mac(input, secret)}`
}

export function attacksOn(situation: Situation): Attack[] {
  const { now, good, other, revoked, foreign } = situation
  const header = { alg: 'HS256', kid: good.kid, typ: 'JWT' }
  const claims = { sub: good.kid, iat: now, exp: now + 600, iss: 'sdk' }
  const attacks: Attack[] = []
  const seen = new Set<string>()

  function add(verdict: Verdict, name: string, token: string): void {
    if (seen.has(name)) throw new Error(`two tokens are called ${name}`)
    seen.add(name)
    attacks.push({ name, token, verdict })
  }
  const signed = (head: string | Uint8Array, body: string | Uint8Array) => tokenOf(head, body, good.secret)
  const withHeader = (verdict: Verdict, name: string, change: Json) =>
    add(verdict, `header: ${name}`, signed(JSON.stringify({ ...header, ...change }), JSON.stringify(claims)))
  const withClaims = (verdict: Verdict, name: string, change: Json) =>
    add(verdict, `claims: ${name}`, signed(JSON.stringify(header), JSON.stringify({ ...claims, ...change })))
  const rawHeader = (verdict: Verdict, name: string, text: string | Uint8Array) =>
    add(verdict, `header text: ${name}`, signed(text, JSON.stringify(claims)))
  const rawClaims = (verdict: Verdict, name: string, text: string | Uint8Array) =>
    add(verdict, `claims text: ${name}`, signed(JSON.stringify(header), text))

  const token = signed(JSON.stringify(header), JSON.stringify(claims))
  const [head = '', body = '', signature = ''] = token.split('.')
  add('accepted', 'as it is', token)

  // algorithms
  for (const alg of [
    ...['none', 'None', 'NONE', 'nOnE', 'hs256', 'Hs256', 'HS 256', ' HS256', 'HS256 ', 'HS256\0', 'HS256,none', ''],
    ...[
      'HS1',
      'HS224',
      'HS384',
      'HS512',
      'RS256',
      'RS512',
      'PS256',
      'ES256',
      'ES256K',
      'EdDSA',
      'Ed25519',
      'ML-DSA-44',
    ],
    ...[
      'A128KW',
      'A256KW',
      'dir',
      'RSA1_5',
      'PBES2-HS256+A128KW',
      'A256GCM',
      'sha256',
      'HMAC',
      'ＨＳ２５６',
      '__proto__',
    ],
    ...[null, true, false, 0, 1, 256, [], ['HS256'], {}, { HS256: true }, ['none', 'HS256']],
  ]) {
    const text = JSON.stringify({ ...header, alg })
    add('malformed', `alg ${JSON.stringify(alg)}`, signed(text, JSON.stringify(claims)))
    add('malformed', `alg ${JSON.stringify(alg)}, no signature`, `${encode(text)}.${body}.`)
  }
  for (const [alg, hash] of [
    ['HS384', 'sha384'],
    ['HS512', 'sha512'],
  ] as const) {
    const input = `${encode(JSON.stringify({ ...header, alg }))}.${body}`
    add('malformed', `alg ${alg}, signed so`, `${input}.${mac(input, good.secret, hash)}`)
    add('malformed', `alg ${alg}, cut to 32 bytes`, `${input}.${mac(input, good.secret, hash).slice(0, 43)}`)
    add('malformed', `alg HS256, signed as ${alg}`, `${head}.${body}.${mac(`${head}.${body}`, good.secret, hash)}`)
  }
  rawHeader('malformed', 'no alg', JSON.stringify({ kid: good.kid, typ: 'JWT' }))
  rawHeader('malformed', 'Alg', JSON.stringify({ Alg: 'HS256', kid: good.kid, typ: 'JWT' }))
  rawHeader('malformed', 'alg in a nested header', JSON.stringify({ kid: good.kid, header: { alg: 'HS256' } }))

  // kid
  const kidOf = (kid: unknown, secret = good.secret) =>
    tokenOf(JSON.stringify({ ...header, kid }), JSON.stringify({ ...claims, sub: kid }), secret)
  for (const kid of [null, true, false, 0, 1, '', [], [good.kid], {}, { kid: good.kid }, [[good.kid]]]) {
    add('malformed', `kid ${JSON.stringify(kid)}`, kidOf(kid))
  }
  for (const kid of [
    ...[
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'hasOwnProperty',
      'valueOf',
      'undefined',
      'null',
      '0',
      '*',
    ],
    ...[
      '../../../dev/null',
      '/etc/passwd',
      '..\\..\\x',
      'file:///dev/null',
      'http://127.0.0.1/key',
      '%00',
      "' OR '1'='1",
    ],
    ...[
      "x' UNION SELECT 'secret'--",
      '$where',
      '{"$ne":null}',
      ';ls',
      '`id`',
      '$(id)',
      '\0',
      '\n',
      ' ',
      '\ud83d\ude00',
    ],
    ...[
      `${good.kid} `,
      ` ${good.kid}`,
      `${good.kid}\0`,
      `${good.kid}\n`,
      good.kid.toUpperCase(),
      good.kid.slice(0, -1),
    ],
    ...[
      `${good.kid}${good.kid}`,
      `{${good.kid}}`,
      `urn:uuid:${good.kid}`,
      good.kid.replaceAll('-', ''),
      'x'.repeat(3000),
    ],
    ...[
      good.kid.replaceAll('-', '‐'),
      `\ufeff${good.kid}`,
      `${good.kid}\u200b`,
      '\ud800',
      '6f1d6a0e-0000-4000-8000-000000000000',
    ],
  ]) {
    // The store is asked only for what could be an id: printable ASCII, 256 characters at most.
    const verdict = /^[\x20-\x7e]{1,256}$/.test(kid) ? 'invalid: key' : 'malformed'
    add(verdict, `kid ${JSON.stringify(kid.slice(0, 60))}`, kidOf(kid))
  }
  add('invalid: key', 'kid of nobody, empty secret', kidOf('6f1d6a0e-0000-4000-8000-000000000000', ''))
  add('invalid: key', 'kid of nobody, its own id as a secret', kidOf('nobody', 'nobody'))
  add('invalid: key', 'kid of another service, its secret', kidOf(foreign.kid, foreign.secret))
  add('invalid: key', 'kid of another service, our secret', kidOf(foreign.kid))
  add('invalid: signature', 'kid of another key, our secret', kidOf(other.kid))
  add('invalid: signature', 'kid of ours, the secret of another key', kidOf(good.kid, other.secret))
  add('accepted', 'another key and its secret', kidOf(other.kid, other.secret))
  add('revoked', 'a revoked key and its secret', kidOf(revoked.kid, revoked.secret))
  add('invalid: signature', 'a revoked key and our secret', kidOf(revoked.kid))
  rawHeader('malformed', 'no kid', JSON.stringify({ alg: 'HS256', typ: 'JWT' }))
  rawHeader('malformed', 'KID', JSON.stringify({ alg: 'HS256', typ: 'JWT', KID: good.kid }))
  withClaims('accepted', 'another kid among the claims', { kid: other.kid })
  rawHeader('malformed', 'kid in __proto__', `{"alg":"HS256","__proto__":{"kid":"${good.kid}"}}`)
  rawHeader('malformed', 'alg in __proto__', `{"kid":"${good.kid}","__proto__":{"alg":"HS256"}}`)

  // crit and b64
  for (const crit of [[], ['exp'], ['b64'], ['kid', 'alg'], null, 'exp', true, 0, {}, [null], ['']]) {
    withHeader('malformed', `crit ${JSON.stringify(crit)}`, { crit })
  }
  for (const b64 of [true, false, null, 'false', 0, [], {}]) {
    withHeader('malformed', `b64 ${JSON.stringify(b64)}`, { b64 })
    withHeader('malformed', `b64 ${JSON.stringify(b64)}, crit`, { b64, crit: ['b64'] })
  }
  const unencoded = `${encode(JSON.stringify({ ...header, b64: false, crit: ['b64'] }))}.${JSON.stringify(claims)}`
  add('malformed', 'claims not encoded (RFC 7797)', `${unencoded}.${mac(unencoded, good.secret)}`)

  // typ and cty
  for (const typ of ['JWT', 'jwt', 'Jwt', 'jWt', 'jwT']) withHeader('accepted', `typ ${typ}`, { typ })
  rawHeader('accepted', 'no typ', JSON.stringify({ alg: 'HS256', kid: good.kid }))
  for (const typ of [
    ...[
      '',
      ' ',
      'JWS',
      'JWE',
      'JOSE',
      'at+jwt',
      'at+JWT',
      'application/jwt',
      'application/at+jwt',
      'dpop+jwt',
      'sd+jwt',
    ],
    ...[' JWT', 'JWT ', 'JWT\0', 'J W T', 'JWTs', 'ＪＷＴ', 'logout+jwt', 'secevent+jwt', 'undefined', 'toString'],
    ...[null, true, false, 0, 1, [], ['JWT'], {}, { JWT: true }],
  ]) {
    withHeader('malformed', `typ ${JSON.stringify(typ)}`, { typ })
  }
  withHeader('accepted', 'cty JWT', { cty: 'JWT' })

  // members that are ignored, and never followed
  const attacker = { kty: 'oct', alg: 'HS256', k: encode('an attacker knows this key, 32 by') }
  const ignored: Readonly<Record<string, Json>> = {
    jku: { jku: 'http://127.0.0.1:1/keys' },
    x5u: { x5u: 'http://127.0.0.1:1/cert' },
    jwk: { jwk: attacker },
    x5c: { x5c: ['MIIB'] },
    x5t: { x5t: 'x', 'x5t#S256': 'y' },
    zip: { zip: 'DEF' },
    enc: { enc: 'A256GCM', epk: {}, apu: 'x', apv: 'y', p2c: 1_000_000_000, p2s: 'x' },
    iss: { iss: 'other', sub: 'other', aud: 'other' },
    url: { url: 'http://127.0.0.1:1/', nonce: 'x' },
    unknown: { unknown: { deep: [1, { x: null }] }, toString: 'x', constructor: 'y' },
  }
  for (const [name, members] of Object.entries(ignored)) {
    withHeader('accepted', `${name} is ignored`, members)
    const forged = JSON.stringify({ ...header, ...members })
    const secret = Buffer.from(attacker.k, 'base64url').toString()
    add('invalid: signature', `${name}, signed by an attacker`, tokenOf(forged, JSON.stringify(claims), secret))
  }

  // the order of members, and JSON's white space
  const reordered = Object.fromEntries(Object.entries(header).reverse())
  rawHeader('accepted', 'members in another order', JSON.stringify(reordered))
  rawClaims(
    'accepted',
    'members in another order',
    JSON.stringify(Object.fromEntries(Object.entries(claims).reverse())),
  )
  for (const [name, space] of [
    ['blanks', ' '],
    ['tabs', '\t'],
    ['line feeds', '\n'],
    ['carriage returns', '\r'],
  ] as const) {
    const spaced = (value: Json) =>
      `${space}${JSON.stringify(value).replace(/[{}:,]/g, (it) => `${space}${it}${space}`)}${space}`
    rawHeader('accepted', `${name} between tokens`, spaced(header))
    rawClaims('accepted', `${name} between tokens`, spaced(claims))
  }
  rawHeader('accepted', 'escaped letters', JSON.stringify(header).replace('"kid"', '"\\u006bid"'))
  rawClaims('accepted', 'escaped letters', JSON.stringify(claims).replace('"sdk"', '"\\u0073d\\u006B"'))

  rawHeader('malformed', 'an empty object', '{}')
  rawClaims('invalid: expiry', 'an empty object', '{}')

  // JSON that is none, or that two readers could read as two
  for (const [place, add, value] of [
    ['header', rawHeader, JSON.stringify(header)],
    ['claims', rawClaims, JSON.stringify(claims)],
  ] as const) {
    const inner = value.slice(1, -1)
    const first = place === 'header' ? 'kid' : 'sub'
    const broken: Readonly<Record<string, string | Uint8Array>> = {
      nothing: '',
      'a blank': ' ',
      null: 'null',
      true: 'true',
      'a number': '1',
      'a text': '"x"',
      'a text of JSON': JSON.stringify(value),
      'an array': `[${value}]`,
      'an empty array': '[]',
      'two objects': value + value,
      'a comma behind it': `${value},`,
      'a letter behind it': `${value}x`,
      'a brace behind it': `${value}}`,
      'a NUL behind it': `${value}\0`,
      'a NUL before it': `\0${value}`,
      'a comma before the brace': `{${inner},}`,
      'a comma at the start': `{,${inner}}`,
      'no closing brace': `{${inner}`,
      'no opening brace': `${inner}}`,
      'a comment': `{/**/${inner}}`,
      'a comment behind it': `${value}//`,
      'a comment line': `{${inner}//x\n}`,
      'a hash comment': `{${inner}#x\n}`,
      'single quotes': value.replaceAll('"', "'"),
      'names without quotes': value.replace(/"(\w+)":/g, '$1:'),
      'an equals sign': value.replace(':', '='),
      'a byte-order mark': `\ufeff${value}`,
      'a byte-order mark behind it': `${value}\ufeff`,
      'a no-break space': `{\u00a0${inner}}`,
      'a vertical tab': `{\v${inner}}`,
      'a form feed': `\f${value}`,
      'a line separator': `{\u2028${inner}}`,
      'UTF-16': Buffer.from(value, 'utf16le'),
      'UTF-16 with its mark': Buffer.from(`\ufeff${value}`, 'utf16le'),
      'UTF-32': Buffer.from([...value].flatMap((it) => [it.charCodeAt(0), 0, 0, 0])),
      'a duplicate at the end': `{${inner},"${first}":"${other.kid}"}`,
      'a duplicate at the start': `{"${first}":"${other.kid}",${inner}}`,
      'a duplicate that is equal': `{${inner},"${first}":"${good.kid}"}`,
      'a duplicate in escapes': `{${inner},"\\u00${first.charCodeAt(0).toString(16)}${first.slice(1)}":"x"}`,
      'a duplicate in escapes, first': `{"\\u00${first.charCodeAt(0).toString(16)}${first.slice(1)}":"x",${inner}}`,
      'a duplicate of an unknown name': `{${inner},"x":1,"x":2}`,
      'a duplicate of an empty name': `{${inner},"":1,"":2}`,
      'a duplicate of __proto__': `{${inner},"__proto__":1,"__proto__":2}`,
      'a duplicate within an object': `{${inner},"x":{"y":1,"y":2}}`,
      'a duplicate within an array': `{${inner},"x":[[{"y":1,"y":2}]]}`,
      'a duplicate behind a text with a brace': `{${inner},"x":"}","x":"{"}`,
      'a duplicate behind an escaped quote': `{${inner},"x":"\\"","x":1}`,
      'a raw line feed in a text': `{${inner},"x":"a\nb"}`,
      'a raw tab in a text': `{${inner},"x":"a\tb"}`,
      'a raw NUL in a text': `{${inner},"x":"a\0b"}`,
      'an escape that is none': `{${inner},"x":"\\x41"}`,
      'an escape that is short': `{${inner},"x":"\\u12"}`,
      'an octal escape': `{${inner},"x":"\\0"}`,
      NaN: `{${inner},"x":NaN}`,
      Infinity: `{${inner},"x":Infinity}`,
      undefined: `{${inner},"x":undefined}`,
      'a hexadecimal number': `{${inner},"x":0x10}`,
      'an octal number': `{${inner},"x":010}`,
      'a number with a plus': `{${inner},"x":+1}`,
      'a number without a digit before the point': `{${inner},"x":.5}`,
      'a number without a digit behind the point': `{${inner},"x":5.}`,
      'a number without a digit in the exponent': `{${inner},"x":1e}`,
      'a number with a separator': `{${inner},"x":1_000}`,
      'a big integer': `{${inner},"x":1n}`,
      'a minus alone': `{${inner},"x":-}`,
      True: `{${inner},"x":True}`,
      'an open array': `{${inner},"x":[1}`,
      'an array with a hole': `{${inner},"x":[1,,2]}`,
      YAML: `${first}: x`,
      'a form': `${first}=x`,
    }
    for (const [name, text] of Object.entries(broken)) add('malformed', name, text)

    const bytes = (tail: readonly number[]) =>
      Buffer.concat([Buffer.from(`{${inner},"x":"`), Buffer.from([...tail, 0x22, 0x7d])])
    for (const [name, tail] of [
      ['a lone continuation byte', [0x80]],
      ['a byte of Latin-1', [0xe9]],
      ['a byte that is never UTF-8', [0xff]],
      ['an overlong slash', [0xc0, 0xaf]],
      ['an overlong NUL', [0xc0, 0x80]],
      ['an overlong quote', [0xe0, 0x80, 0xa2]],
      ['a surrogate in bytes', [0xed, 0xa0, 0x80]],
      ['a pair of surrogates in bytes', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
      ['a code point beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
      ['a cut sequence', [0xe2, 0x82]],
    ] as const) {
      add('malformed', name, bytes(tail))
    }
    add('accepted', 'an unknown member', `{${inner},"x":1}`)
    add('accepted', 'an empty name', `{${inner},"":1}`)
    add('accepted', 'a member __proto__', `{${inner},"__proto__":{"exp":9999999999,"b64":false}}`)
    add('accepted', 'equal names in different objects', `{${inner},"x":{"y":1},"z":{"y":1}}`)
    add('accepted', 'a text that looks like a member', `{${inner},"x":"\\"${first}\\":1"}`)
    add('accepted', 'a name that differs in case', `{${inner},"${first.toUpperCase()}":"x"}`)
    add('accepted', 'a name that differs in composition', `{${inner},"é":1,"e\u0301":2}`)
    add('accepted', 'letters beyond ASCII', `{${inner},"x":"é😀"}`)
    add('accepted', 'a lone surrogate in an escape', `{${inner},"x":"\\ud800"}`)
    add('accepted', 'an endless number elsewhere', `{${inner},"x":1e400}`)
    add('accepted', 'a long number', `{${inner},"x":${'9'.repeat(300)}}`)
    add('accepted', 'a thousand nested arrays', `{${inner},"x":${'['.repeat(1000)}${']'.repeat(1000)}}`)
    add('accepted', 'three hundred nested objects', `{${inner},"x":${'{"x":'.repeat(300)}1${'}'.repeat(300)}}`)
    add('malformed', 'arrays that never close', `{${inner},"x":${'['.repeat(2500)}`)
  }

  // claims
  const exp = now + 600
  for (const [name, value] of [
    ['null', null],
    ['a text', String(exp)],
    ['a date', new Date(exp * 1000).toISOString()],
    ['an empty text', ''],
    ['true', true],
    ['an array', [exp]],
    ['an object', { exp }],
    ['a fraction', exp + 0.5],
    ['2^53', 2 ** 53],
    ['1e308', 1e308],
    ['-1e308', -1e308],
    ['a small fraction', 5e-324],
  ] as const) {
    withClaims('invalid: expiry', `exp is ${name}`, { exp: value })
    withClaims('invalid: issued_at', `iat is ${name}`, { iat: value })
    withClaims('invalid: not_before', `nbf is ${name}`, { nbf: value })
  }
  for (const [claim, verdict] of [
    ['exp', 'invalid: expiry'],
    ['iat', 'invalid: issued_at'],
    ['nbf', 'invalid: not_before'],
  ] as const) {
    for (const number of ['1e400', '-1e400', '1e309', '1.5e1', '123456789.5', '9007199254740993']) {
      // Later members stand in for those of the same name, so it is not there twice.
      const rest = JSON.stringify({ ...claims, [claim]: undefined }).slice(1, -1)
      const isWhole = number === '1.5e1'
      rawClaims(
        isWhole && claim !== 'exp' ? 'accepted' : isWhole ? 'expired' : verdict,
        `${claim} is ${number}`,
        `{${rest},"${claim}":${number}}`,
      )
    }
  }
  const soon = now + 600
  const exponent = `${soon / 1e9}e9`
  const rest = JSON.stringify({ ...claims, exp: undefined }).slice(1, -1)
  rawClaims('accepted', 'exp with an exponent', `{${rest},"exp":${exponent}}`)
  rawClaims('accepted', 'exp with a zero fraction', `{${rest},"exp":${soon}.0}`)
  rawClaims('accepted', 'exp with a capital exponent', `{${rest},"exp":${soon}E+0}`)
  withClaims('invalid: expiry', 'no exp', { exp: undefined })
  withClaims('invalid: issued_at', 'no iat', { iat: undefined })
  withClaims('invalid: issuer', 'no iss', { iss: undefined })
  withClaims('invalid: subject', 'no sub', { sub: undefined })
  withClaims('expired', 'exp now', { exp: now })
  withClaims('expired', 'exp a second ago', { exp: now - 1 })
  withClaims('expired', 'exp 0', { exp: 0 })
  withClaims('expired', 'exp negative', { exp: -1 })
  withClaims('accepted', 'exp in a second', { exp: now + 1 })
  withClaims('accepted', 'exp 2^53 - 1', { exp: 2 ** 53 - 1 })
  withClaims('accepted', 'exp in milliseconds', { exp: exp * 1000 })
  withClaims('invalid: issued_at', 'iat in milliseconds', { iat: now * 1000 })
  withClaims('invalid: issued_at', 'iat in an hour', { iat: now + 3600 })
  withClaims('invalid: issued_at', 'iat beyond the leeway', { iat: now + 31 })
  withClaims('accepted', 'iat at the leeway', { iat: now + 30 })
  withClaims('accepted', 'iat long ago', { iat: 0 })
  withClaims('accepted', 'iat negative', { iat: -1 })
  withClaims('accepted', 'iat after exp, within the leeway', { iat: now + 20, exp: now + 10 })
  withClaims('accepted', 'nbf now', { nbf: now })
  withClaims('accepted', 'nbf at the leeway', { nbf: now + 30 })
  withClaims('invalid: not_before', 'nbf beyond the leeway', { nbf: now + 31 })
  withClaims('invalid: not_before', 'nbf in a year', { nbf: now + 31_536_000 })
  for (const iss of [
    ...[
      '',
      'SDK',
      'Sdk',
      ' sdk',
      'sdk ',
      'sdk\0',
      'sdk\n',
      'sdks',
      'sd',
      'https://sdk',
      'ｓｄｋ',
      'sdk,other',
      'undefined',
    ],
    ...[null, true, 0, [], ['sdk'], {}, { sdk: true }],
  ]) {
    withClaims('invalid: issuer', `iss ${JSON.stringify(iss)}`, { iss })
  }
  for (const sub of [
    ...['', 'x', other.kid, good.kid.toUpperCase(), `${good.kid} `, ` ${good.kid}`, `${good.kid}\0`],
    ...[null, true, 0, [], [good.kid], {}, { sub: good.kid }],
  ]) {
    const shown = sub === other.kid ? 'of another key' : JSON.stringify(sub).replaceAll(good.kid, 'KID')
    withClaims('invalid: subject', `sub ${shown}`.replace(good.kid.toUpperCase(), 'KID in capitals'), { sub })
  }
  for (const aud of ['x', ['x'], [], null, 1, {}]) withClaims('accepted', `aud ${JSON.stringify(aud)}`, { aud })
  withClaims('accepted', 'a jti', { jti: 'x' })
  withClaims('accepted', 'claims that say more', { admin: true, scope: '*', plan: 'enterprise', permissions: ['*'] })
  withClaims('accepted', 'names of the prototype', { toString: 1, constructor: 2, hasOwnProperty: 3, valueOf: 4 })

  // encoding
  const parts = [head, body, signature] as const
  for (const [at, part] of ['header', 'claims', 'signature'].entries()) {
    const change = (name: string, rewrite: (text: string) => string, verdict: Verdict = 'malformed') => {
      const changed = parts.map((text, i) => (i === at ? rewrite(text) : text))
      add(verdict, `${part}: ${name}`, changed.join('.'))
      if (at < 2) {
        const input = `${changed[0]}.${changed[1]}`
        add(verdict, `${part}: ${name}, signed`, `${input}.${mac(input, good.secret)}`)
      }
    }
    const middle = (it: string, text: string) => it.slice(0, 8) + text + it.slice(8)
    const odd: readonly (readonly [string, string])[] = [
      ['a blank', ' '],
      ['a tab', '\t'],
      ['a line feed', '\n'],
      ['a carriage return', '\r'],
      ['a NUL', '\0'],
      ['padding', '='],
      ['double padding', '=='],
      ['a plus', '+'],
      ['a slash', '/'],
      ['a tilde', '~'],
      ['a percent sign', '%3D'],
      ['a comma', ','],
      ['a quote', '"'],
      ['a full-width letter', 'Ａ'],
      ['a letter beyond ASCII', 'é'],
      ['a byte-order mark', '\ufeff'],
      ['a zero-width space', '\u200b'],
      ['an emoji', '😀'],
    ]
    for (const [name, text] of odd) {
      // Blanks before the first part belong to the header field, as does all white space behind the last one.
      const before = at === 0 && text === ' '
      if (!before) change(`${name} at the start`, (it) => text + it)
      change(`${name} inside`, (it) => middle(it, text))
      change(`${name} at the end`, (it) => it + text)
    }
    change('nothing', () => '')
    change('one letter', () => 'A')
    change('four letters', () => 'AAAA')
    change('a letter more', (it) => `${it}A`)
    change('two letters more', (it) => `${it}AA`, at === 2 ? 'malformed' : 'malformed')
    change('a letter less', (it) => it.slice(0, -1))
    change('in capitals', (it) => it.toUpperCase(), at === 2 ? 'invalid: signature' : 'malformed')
    change('twice', (it) => it + it)
    change('percent-encoded', (it) => `%${it.charCodeAt(0).toString(16)}${it.slice(1)}`)
    change('in hexadecimal', (it) => Buffer.from(it, 'base64url').toString('hex'))
    change('encoded twice', (it) => encode(it))
    change('undefined', () => 'undefined')
  }
  // Every other text that a lenient decoder takes for the same bytes.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  for (const [part, text, at] of [
    ['header', padded(JSON.stringify(header), 1), 0],
    ['header', padded(JSON.stringify(header), 2), 0],
    ['claims', padded(JSON.stringify(claims), 1), 1],
    ['claims', padded(JSON.stringify(claims), 2), 1],
    ['signature', '', 2],
  ] as const) {
    const encoded = at === 2 ? signature : encode(text)
    const bytes = Buffer.from(encoded, 'base64url')
    for (const letter of alphabet) {
      const spelled = encoded.slice(0, -1) + letter
      if (spelled === encoded || !Buffer.from(spelled, 'base64url').equals(bytes)) continue
      const name = `${part} of ${bytes.length % 3} bytes in the last group: ends in ${letter}`
      const changed = parts.map((it, i) => (i === at ? spelled : it))
      const input = `${changed[0]}.${changed[1]}`
      add('malformed', name, at === 2 ? changed.join('.') : `${input}.${mac(input, good.secret)}`)
    }
  }
  add(
    'accepted',
    'claims of two bytes in the last group',
    signed(JSON.stringify(header), padded(JSON.stringify(claims), 2)),
  )
  add(
    'accepted',
    'claims of one byte in the last group',
    signed(JSON.stringify(header), padded(JSON.stringify(claims), 1)),
  )
  add('accepted', 'claims of whole groups', signed(JSON.stringify(header), padded(JSON.stringify(claims), 0)))

  // signatures
  const input = `${head}.${body}`
  for (let at = 0; at < 43; at++) {
    // Another letter, and at the end one of those that may stand there.
    const letter = signature.charAt(at)
    const wrong = at === 42 ? (letter === 'A' ? 'E' : 'A') : letter === 'A' ? 'B' : 'A'
    add(
      'invalid: signature',
      `letter ${at} of the signature changed`,
      `${input}.${signature.slice(0, at)}${wrong}${signature.slice(at + 1)}`,
    )
  }
  for (let length = 0; length < 43; length++)
    add('malformed', `${length} letters of the signature`, `${input}.${signature.slice(0, length)}`)
  const forgeries: Readonly<Record<string, string>> = {
    'of zeros': 'A'.repeat(43),
    'of ones': `${'_'.repeat(42)}8`,
    'of the header alone': mac(head, good.secret),
    'of the claims alone': mac(body, good.secret),
    'of the decoded texts': mac(`${JSON.stringify(header)}.${JSON.stringify(claims)}`, good.secret),
    'of the parts without a dot': mac(head + body, good.secret),
    'with a dot behind': mac(`${input}.`, good.secret),
    'with an empty secret': mac(input, ''),
    'with the kid as a secret': mac(input, good.kid),
    'with a blank behind the secret': mac(input, `${good.secret} `),
    'with a line feed behind the secret': mac(input, `${good.secret}\n`),
    'with a cut secret': mac(input, good.secret.slice(0, -1)),
    'with the secret in capitals': mac(input, good.secret.toUpperCase()),
    'with the decoded secret': createHmac('sha256', Buffer.from(good.secret, 'base64url'))
      .update(input)
      .digest('base64url'),
    'with the digest of the secret': mac(input, createHash('sha256').update(good.secret).digest('hex')),
    'of secret and text, without HMAC': createHash('sha256')
      .update(good.secret + input)
      .digest('base64url'),
    'of text and secret, without HMAC': createHash('sha256')
      .update(input + good.secret)
      .digest('base64url'),
    reversed: Buffer.from(signature, 'base64url').reverse().toString('base64url'),
    'of the text null': mac(input, 'null'),
    'of the text undefined': mac(input, 'undefined'),
    'of another token': mac(`${head}.${encode('{}')}`, good.secret),
  }
  for (const [name, forged] of Object.entries(forgeries))
    add('invalid: signature', `signature ${name}`, `${input}.${forged}`)
  for (const hash of ['md5', 'sha1', 'sha224', 'sha384', 'sha512']) {
    add('malformed', `signature by ${hash}`, `${input}.${mac(input, good.secret, hash)}`)
  }
  add(
    'malformed',
    'signature in Base64 with padding',
    `${input}.${createHmac('sha256', good.secret).update(input).digest('base64')}`,
  )
  add(
    'malformed',
    'signature in hexadecimal',
    `${input}.${createHmac('sha256', good.secret).update(input).digest('hex')}`,
  )

  add('invalid: signature', 'the header for claims', `${head}.${head}.${signature}`)

  // shape
  const shapes: Readonly<Record<string, string>> = {
    'one part': head,
    'two parts': input,
    'two parts and a dot at the start': `.${head}.${body}`,
    'four parts': `${token}.${signature}`,
    'five parts (JWE)': `${head}.AAAA.AAAA.${body}.${signature}`,
    'a dot behind': `${token}.`,
    'a dot before': `.${token}`,
    'two dots between': token.replace('.', '..'),
    'dots alone': '..',
    'four dots': '....',
    'a thousand dots': '.'.repeat(1000),
    'parts in another order': `${body}.${head}.${signature}`,
    'the token twice': `${token}${token}`,
    'the token between quotes': `"${token}"`,
    'a JSON serialisation': JSON.stringify({ protected: head, payload: body, signature }),
    'a detached payload': `${head}..${mac(`${head}.${body}`, good.secret)}`,
    'no signature': `${input}.`,
    'a scheme': `Bearer.${token}`,
    'a semicolon between': token.replaceAll('.', ';'),
    'an ideographic full stop': token.replaceAll('.', '。'),
  }
  for (const [name, text] of Object.entries(shapes)) add('malformed', name, text)

  // sizes
  const sized = (length: number) => {
    for (let padding = 0; ; padding++) {
      const made = signed(JSON.stringify(header), JSON.stringify({ ...claims, x: 'x'.repeat(padding) }))
      if (made.length >= length) return { made, exact: made.length === length }
      if (made.length < length - 100) padding += Math.floor((length - made.length) / 2)
    }
  }
  for (const length of [8190, 8191, 8192, 8193, 8194, 8195, 9000, 20_000, 200_000]) {
    const { made, exact } = sized(length)
    if (exact) add(length <= 8192 ? 'accepted' : 'malformed', `${length} bytes`, made)
  }
  add('malformed', '100,000 letters without a dot', 'A'.repeat(100_000))
  add('malformed', '8,192 letters of signature', `${input}.${'A'.repeat(8192)}`)
  return attacks
}

/** The object with white space behind it, so that `remainder` bytes are in the last group of three. */
function padded(json: string, remainder: number): string {
  let text = json
  while (Buffer.byteLength(text) % 3 !== remainder) text += ' '
  return text
}
