/**
 * What a client can do with the header fields of one request to a service that reads `x-api-key`, then `Authorization:
 * Bearer`. One character is one byte.
 */
import { utf8 } from './wire.ts'

/**
 * `allowed`: the good key's principal. `missing`, `malformed`: see the denials of those names. A number: a status of the
 * HTTP parser, before any framework.
 */
export type Verdict = 'allowed' | 'missing' | 'malformed' | number

export interface FieldCase {
  readonly name: string
  readonly lines: (key: string) => readonly string[]
  readonly verdict: Verdict
}

const group = (verdict: Verdict, cases: Readonly<Record<string, (key: string) => readonly string[]>>): FieldCase[] =>
  Object.entries(cases).map(([name, lines]) => ({ name, lines, verdict }))

const fill = (count: number, line: (i: number) => string): string[] => Array.from({ length: count }, (_, i) => line(i))

/** A key that is written as `key` is, but with another random part: its checksum fails. */
const wrong = (key: string): string => key.slice(0, -1) + (key.endsWith('a') ? 'b' : 'a')

const carriedAlone = [
  ...group('allowed', {
    'x-api-key': (key) => [`x-api-key: ${key}`],
    'the name in upper case': (key) => [`X-API-KEY: ${key}`],
    'the name in mixed case': (key) => [`X-aPi-KeY: ${key}`],
    'no blank after the colon': (key) => [`x-api-key:${key}`],
    'blanks around the value': (key) => [`x-api-key:   ${key}   `],
    'tabs around the value': (key) => [`x-api-key:\t${key}\t`],
    'blanks and tabs around the value': (key) => [`x-api-key: \t ${key} \t `],
    Bearer: (key) => [`Authorization: Bearer ${key}`],
    'Bearer in lower case': (key) => [`Authorization: bearer ${key}`],
    'Bearer in upper case': (key) => [`AUTHORIZATION: BEARER ${key}`],
    'Bearer in mixed case': (key) => [`authorization: bEaReR ${key}`],
    'several blanks after Bearer': (key) => [`Authorization: Bearer    ${key}`],
    'blanks behind the Bearer token': (key) => [`Authorization: Bearer ${key}   `],
    'a tab behind the Bearer token': (key) => [`Authorization: Bearer ${key}\t`],
    'a tab before Bearer': (key) => [`Authorization:\tBearer ${key}`],
  }),
  ...group('missing', {
    'no field at all': () => [],
    'an empty x-api-key': () => ['x-api-key:'],
    'an x-api-key of blanks': () => ['x-api-key:    '],
    'an x-api-key of tabs': () => ['x-api-key:\t\t'],
    'an empty Authorization': () => ['Authorization:'],
    'an Authorization of blanks': () => ['Authorization:   '],
    'Bearer alone': () => ['Authorization: Bearer'],
    'Bearer and a blank': () => ['Authorization: Bearer '],
    'Bearer and a tab': () => ['Authorization: Bearer\t'],
    'no blank behind Bearer': (key) => [`Authorization: Bearer${key}`],
    'a colon behind Bearer': (key) => [`Authorization: Bearer: ${key}`],
    'an equals sign behind Bearer': (key) => [`Authorization: Bearer=${key}`],
    'a no-break space behind Bearer': (key) => [`Authorization: Bearer\xa0${key}`],
    'a letter before Bearer': (key) => [`Authorization: xBearer ${key}`],
    'a letter behind Bearer': (key) => [`Authorization: Bearers ${key}`],
    'Bearer in full-width letters': (key) => [`Authorization: ${utf8('Ｂｅａｒｅｒ')} ${key}`],
    'Bearer with a dotless letter': (key) => [`Authorization: Beare${utf8('ʀ')} ${key}`],
    'the key without a scheme in Authorization': (key) => [`Authorization: ${key}`],
    'scheme Basic with the key': (key) => [`Authorization: Basic ${key}`],
    'scheme Basic with the key as a user': (key) => [
      `Authorization: Basic ${Buffer.from(`${key}:`).toString('base64')}`,
    ],
    'scheme Token': (key) => [`Authorization: Token ${key}`],
    'scheme ApiKey': (key) => [`Authorization: ApiKey ${key}`],
    'scheme DPoP': (key) => [`Authorization: DPoP ${key}`],
    'scheme Digest': () => ['Authorization: Digest username="Bearer"'],
    'scheme Negotiate': (key) => [`Authorization: Negotiate ${key}`],
    'Proxy-Authorization': (key) => [`Proxy-Authorization: Bearer ${key}`],
    x_api_key: (key) => [`x_api_key: ${key}`],
    xapikey: (key) => [`xapikey: ${key}`],
    'x-api-key2': (key) => [`x-api-key2: ${key}`],
    'http-x-api-key': (key) => [`http-x-api-key: ${key}`],
    'api-key': (key) => [`api-key: ${key}`],
    'a cookie of that name': (key) => [`Cookie: x-api-key=${key}; authorization=Bearer ${key}`],
    'a Referer with the key': (key) => [`Referer: http://localhost/?x-api-key=${key}`],
    'X-Forwarded-Authorization': (key) => [`X-Forwarded-Authorization: Bearer ${key}`],
    'X-Original-Authorization': (key) => [`X-Original-Authorization: Bearer ${key}`],
    'Authorization in WWW-Authenticate': (key) => [`WWW-Authenticate: Bearer ${key}`],
    'names of the prototype': () => ['__proto__: x', 'constructor: x', 'hasOwnProperty: x', 'toString: x'],
  }),
  ...group('malformed', {
    'a key of another format': () => ['x-api-key: sk_live_0123456789abcdef'],
    'a wrong last character': (key) => [`x-api-key: ${wrong(key)}`],
    'a wrong last character behind Bearer': (key) => [`Authorization: Bearer ${wrong(key)}`],
    'the key without its last character': (key) => [`x-api-key: ${key.slice(0, -1)}`],
    'the key and one more character': (key) => [`x-api-key: ${key}0`],
    'the key twice in one word': (key) => [`x-api-key: ${key}${key}`],
    'the key in upper case': (key) => [`x-api-key: ${key.toUpperCase()}`],
    'the key between quotes': (key) => [`x-api-key: "${key}"`],
    'the key between angle brackets': (key) => [`x-api-key: <${key}>`],
    'the key percent-encoded': (key) => [`x-api-key: ${key.replace('_', '%5F')}`],
    'the key and a semicolon': (key) => [`x-api-key: ${key};`],
    'the key twice with a semicolon': (key) => [`x-api-key: ${key};${key}`],
    'the key twice with a blank': (key) => [`x-api-key: ${key} ${key}`],
    'a blank inside the key': (key) => [`x-api-key: ${key.slice(0, 12)} ${key.slice(12)}`],
    'a tab inside the key': (key) => [`x-api-key: ${key.slice(0, 12)}\t${key.slice(12)}`],
    'a scheme in x-api-key': (key) => [`x-api-key: Bearer ${key}`],
    'a tab behind Bearer instead of a blank': (key) => [`Authorization: Bearer\t${key}`],
    'a blank and a tab behind Bearer': (key) => [`Authorization: Bearer \t${key}`],
    'two tokens behind Bearer': (key) => [`Authorization: Bearer ${key} ${key}`],
    'parameters behind the token': (key) => [`Authorization: Bearer ${key} realm="x"`],
    'the token between quotes': (key) => [`Authorization: Bearer "${key}"`],
    'the token as a parameter': (key) => [`Authorization: Bearer token=${key}`],
    'padding behind the token': (key) => [`Authorization: Bearer ${key}=`],
    'Bearer twice': (key) => [`Authorization: Bearer Bearer ${key}`],
    'a Latin-1 letter': (key) => [`x-api-key: ${key}\xe9`],
    'a UTF-8 letter': (key) => [`x-api-key: ${key}${utf8('é')}`],
    'a UTF-8 letter behind Bearer': (key) => [`Authorization: Bearer ${key}${utf8('é')}`],
    'a no-break space before the key': (key) => [`x-api-key: \xa0${key}`],
    'a no-break space behind the key': (key) => [`x-api-key: ${key}\xa0`],
    'a NEL behind the key': (key) => [`x-api-key: ${key}\x85`],
    'a byte-order mark before the key': (key) => [`x-api-key: ${utf8('\ufeff')}${key}`],
    'a zero-width space behind the key': (key) => [`x-api-key: ${key}${utf8('\u200b')}`],
    'a full-width letter': (key) => [`x-api-key: ${key.slice(0, -1)}${utf8('ａ')}`],
    'invalid UTF-8': (key) => [`x-api-key: ${key}\xff\xfe`],
    'a letter whose lower case is ASCII': (key) => [`x-api-key: ${key}${utf8('K')}`],
    'a header-shaped text in the value': (key) => [`x-api-key: x-api-key: ${key}`],
    'a JSON text': (key) => [`x-api-key: {"key":"${key}"}`],
    'a regular expression': () => ['x-api-key: .*'],
    SQL: () => [`x-api-key: ' OR '1'='1`],
    undefined: () => ['x-api-key: undefined'],
    'the name of a prototype member': () => ['x-api-key: __proto__'],
    'the name of a prototype member behind Bearer': () => ['Authorization: Bearer constructor'],
    '257 bytes': () => [`x-api-key: ${'x'.repeat(257)}`],
    '8192 bytes': () => [`x-api-key: ${'x'.repeat(8192)}`],
    '8193 bytes': () => [`x-api-key: ${'x'.repeat(8193)}`],
    '8193 bytes behind Bearer': () => [`Authorization: Bearer ${'x'.repeat(8193)}`],
    '15000 bytes': () => [`x-api-key: ${'x'.repeat(15_000)}`],
    '15000 blanks inside': (key) => [`x-api-key: ${key}${' '.repeat(15_000)}x`],
    '15000 commas': () => [`x-api-key: ${','.repeat(15_000)}`],
    '7000 equals signs behind Bearer': (key) => [`Authorization: Bearer ${key}${'='.repeat(7000)}x`],
  }),
]

const severalLines = [
  ...group('malformed', {
    'two equal x-api-key lines': (key) => [`x-api-key: ${key}`, `x-api-key: ${key}`],
    'two lines whose names differ in case': (key) => [`x-api-key: ${key}`, `X-Api-Key: ${key}`],
    'a good and a bad x-api-key line': (key) => [`x-api-key: ${key}`, 'x-api-key: bad'],
    'a bad and a good x-api-key line': (key) => ['x-api-key: bad', `x-api-key: ${key}`],
    'an x-api-key line and an empty one': (key) => [`x-api-key: ${key}`, 'x-api-key:'],
    'an empty x-api-key line and one with the key': (key) => ['x-api-key:', `x-api-key: ${key}`],
    'two empty x-api-key lines': () => ['x-api-key:', 'x-api-key:'],
    'three x-api-key lines': (key) => fill(3, () => `x-api-key: ${key}`),
    'a hundred x-api-key lines': (key) => fill(100, () => `x-api-key: ${key}`),
    'two x-api-key lines with others between': (key) => [`x-api-key: ${key}`, 'a: b', 'c: d', `x-api-key: ${key}`],
    'the key twice with a comma': (key) => [`x-api-key: ${key},${key}`],
    'the key twice with a comma and a blank': (key) => [`x-api-key: ${key}, ${key}`],
    'a comma before the key': (key) => [`x-api-key: ,${key}`],
    'a comma behind the key': (key) => [`x-api-key: ${key},`],
    'a comma alone': () => ['x-api-key: ,'],
    'two equal Authorization lines': (key) => fill(2, () => `Authorization: Bearer ${key}`),
    'two Authorization lines whose names differ in case': (key) => [
      `Authorization: Bearer ${key}`,
      `AUTHORIZATION: bearer ${key}`,
    ],
    'a good and a bad Authorization line': (key) => [`Authorization: Bearer ${key}`, 'Authorization: Bearer bad'],
    'a bad and a good Authorization line': (key) => ['Authorization: Bearer bad', `Authorization: Bearer ${key}`],
    'Authorization lines of Basic, then Bearer': (key) => ['Authorization: Basic eDp4', `Authorization: Bearer ${key}`],
    'Authorization lines of Bearer, then Basic': (key) => [`Authorization: Bearer ${key}`, 'Authorization: Basic eDp4'],
    'two Authorization lines of Basic': () => ['Authorization: Basic eDp4', 'Authorization: Basic eDp4'],
    'an Authorization line and an empty one': (key) => [`Authorization: Bearer ${key}`, 'Authorization:'],
    'an empty Authorization line and one with the key': (key) => ['Authorization:', `Authorization: Bearer ${key}`],
    'two empty Authorization lines': () => ['Authorization:', 'Authorization:'],
    'the token twice with a comma': (key) => [`Authorization: Bearer ${key},Bearer ${key}`],
    'the token and a comma': (key) => [`Authorization: Bearer ${key},`],
    'Basic and Bearer in one line': (key) => [`Authorization: Basic eDp4, Bearer ${key}`],
  }),
  ...group('allowed', {
    'a good key and a bad Bearer token': (key) => [`x-api-key: ${key}`, 'Authorization: Bearer bad'],
    'a bad Bearer token before a good key': (key) => ['Authorization: Bearer bad', `x-api-key: ${key}`],
    'a good key and the same Bearer token': (key) => [`x-api-key: ${key}`, `Authorization: Bearer ${key}`],
    'a good key and another scheme': (key) => [`x-api-key: ${key}`, 'Authorization: Basic eDp4'],
    'a good key and two Authorization lines': (key) => [
      `x-api-key: ${key}`,
      'Authorization: Bearer a',
      'Authorization: Bearer b',
    ],
    'an empty key and a good Bearer token': (key) => ['x-api-key:', `Authorization: Bearer ${key}`],
    'a key of blanks and a good Bearer token': (key) => ['x-api-key:   ', `Authorization: Bearer ${key}`],
    'a good key and an empty Authorization': (key) => [`x-api-key: ${key}`, 'Authorization:'],
  }),
  ...group('malformed', {
    'a bad key and a good Bearer token': (key) => ['x-api-key: bad', `Authorization: Bearer ${key}`],
    'a good Bearer token before a bad key': (key) => [`Authorization: Bearer ${key}`, 'x-api-key: bad'],
    'two keys and a good Bearer token': (key) => [
      `x-api-key: ${key}`,
      `x-api-key: ${key}`,
      `Authorization: Bearer ${key}`,
    ],
    'two empty keys and a good Bearer token': (key) => ['x-api-key:', 'x-api-key:', `Authorization: Bearer ${key}`],
    'a comma as the key and a good Bearer token': (key) => ['x-api-key: ,', `Authorization: Bearer ${key}`],
  }),
]

const brokenFields = group(400, {
  'a NUL in the key': (key) => [`x-api-key: ${key}\x00`],
  'a NUL before the key': (key) => [`x-api-key: \x00${key}`],
  'a control character in the key': (key) => [`x-api-key: ${key}\x01`],
  'a vertical tab behind Bearer': (key) => [`Authorization: Bearer\x0b${key}`],
  'a form feed behind the key': (key) => [`x-api-key: ${key}\x0c`],
  'a DEL behind the key': (key) => [`x-api-key: ${key}\x7f`],
  'a carriage return in the key': (key) => [`x-api-key: ${key}\rx`],
  'a bare line feed behind the key': (key) => [`x-api-key: ${key}\nx: y`],
  'a folded line': (key) => [`x-api-key: ${key}`, ' folded'],
  'a line folded with a tab': (key) => [`x-api-key: ${key}`, '\tfolded'],
  'the key on a folded line': (key) => ['x-api-key:', ` ${key}`],
  'the token on a folded line': (key) => ['Authorization: Bearer', ` ${key}`],
  'a blank before the first name': (key) => [` x-api-key: ${key}`],
  'a blank before the colon': (key) => [`x-api-key : ${key}`],
  'a tab before the colon': (key) => [`x-api-key\t: ${key}`],
  'no name': (key) => [`: ${key}`],
  'no colon': (key) => [`x-api-key ${key}`],
  'a Latin-1 letter in a name': (key) => [`x-api-k\xe9y: ${key}`],
  'a NUL in a name': (key) => [`x-api\x00-key: ${key}`],
  'brackets in a name': (key) => [`x-api-key[]: ${key}`],
})

// Node keeps 16 KiB of header, and about a thousand lines of it.
const manyLines = [
  ...group('allowed', {
    'a hundred other lines': (key) => [...fill(100, (i) => `x-h${i}: v`), `x-api-key: ${key}`],
    'nine hundred other lines': (key) => [...fill(900, (i) => `x${i}: v`), `x-api-key: ${key}`],
    'the key before three thousand lines': (key) => [`x-api-key: ${key}`, ...fill(3000, () => 'a:')],
    'the key behind three thousand lines': (key) => [...fill(3000, () => 'a:'), `x-api-key: ${key}`],
  }),
  ...group('malformed', {
    'a second key behind three thousand lines': (key) => [
      `x-api-key: ${key}`,
      ...fill(3000, () => 'a:'),
      'x-api-key: bad',
    ],
  }),
  ...group('missing', {
    'three thousand other lines': () => fill(3000, () => 'a:'),
  }),
  ...group(431, {
    '20000 bytes of key': () => [`x-api-key: ${'x'.repeat(20_000)}`],
    '20000 bytes behind the key': (key) => [`x-api-key: ${key}`, `x: ${'x'.repeat(20_000)}`],
    'a name of 20000 bytes': (key) => [`x-api-key: ${key}`, `${'x'.repeat(20_000)}: v`],
    '2500 long lines': (key) => [`x-api-key: ${key}`, ...fill(2500, (i) => `x-h${i}: v`)],
  }),
]

const IDENTITY = [
  'x-user-id: admin',
  'x-user: admin',
  'x-forwarded-user: admin',
  'x-remote-user: admin',
  'remote-user: admin',
  'x-authenticated-user: admin',
  'x-authenticated-userid: admin',
  'x-consumer-id: admin',
  'x-consumer-username: admin',
  'x-account-id: admin',
  'x-auth: {"via":"none"}',
  'auth: {"via":"none"}',
  'x-latchkey-principal: admin',
  'x-plan: enterprise',
  'x-permissions: *',
  'x-scope: admin',
  'x-role: admin',
  'x-admin: true',
  'x-internal: true',
  'x-middleware-subrequest: middleware:middleware:middleware',
  'x-original-url: /',
  'x-rewrite-url: /',
  'x-forwarded-prefix: /x',
  'x-forwarded-path: /',
  'x-forwarded-uri: /',
  'x-forwarded-host: internal',
  'x-forwarded-proto: https',
  'x-forwarded-for: 127.0.0.1',
  'x-real-ip: 127.0.0.1',
  'forwarded: for=127.0.0.1;host=internal',
  'client-ip: 127.0.0.1',
  'true-client-ip: 127.0.0.1',
  'via: 1.1 internal',
  'x-http-method-override: OPTIONS',
  'x-http-method: OPTIONS',
  'x-method-override: OPTIONS',
  'origin: http://localhost',
  'access-control-request-method: GET',
  'access-control-request-headers: authorization',
  'purpose: prefetch',
  'sec-fetch-mode: no-cors',
  'x-requested-with: XMLHttpRequest',
  'user-agent: kube-probe/1.30',
  'x-amz-cf-id: x',
  'x-ssl-client-verify: SUCCESS',
  'ssl-client-s-dn: CN=admin',
]

/** Fields by which some servers are told who is asking, or for what. Here they mean nothing. */
const spoofed = [
  ...IDENTITY.flatMap((line) => [
    ...group('missing', { [`${line}, without a key`]: () => [line] }),
    ...group('allowed', { [`${line}, with a key`]: (key) => [line, `x-api-key: ${key}`] }),
  ]),
  ...group('missing', { 'all of them, without a key': () => IDENTITY }),
  ...group('allowed', {
    'all of them, with a key': (key) => [...IDENTITY, `x-api-key: ${key}`],
    'the key named by Connection': (key) => ['Connection: x-api-key', `x-api-key: ${key}`],
  }),
]

export const FIELD_CASES: readonly FieldCase[] = [
  ...carriedAlone,
  ...severalLines,
  ...brokenFields,
  ...manyLines,
  ...spoofed,
]
