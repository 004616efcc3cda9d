/** Texts that are no tokens of this scheme, and tokens that look odd and are good. */
import { sign, signText } from './tokens.ts'
import { KEY_ID, NOW, SECRET, tokenOf } from './world.ts'

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const seconds = NOW / 1000
const claims = { sub: KEY_ID, iat: seconds, exp: seconds + 600, iss: 'sdk' }
const CLAIMS = JSON.stringify(claims)
const HEADER = JSON.stringify({ alg: 'HS256', kid: KEY_ID, typ: 'JWT' })

function good(): string {
  return tokenOf(NOW)
}

function withHeader(header: Readonly<Record<string, unknown>>): string {
  return tokenOf(NOW, {}, header)
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

/** The same signature bytes, spelled with other unused bits. */
function otherSpelling(token: string): string {
  const last = BASE64URL.indexOf(token.slice(-1))
  return token.slice(0, -1) + BASE64URL[last ^ 1]
}

export const MALFORMED: [name: string, token: string][] = [
  ['no algorithm', withHeader({ alg: undefined })],
  ['the algorithm none, without a signature', `${withHeader({ alg: 'none' }).split('.').slice(0, 2).join('.')}.`],
  ['the algorithm none, signed', withHeader({ alg: 'none' })],
  ['the algorithm HS512', sign({ header: { alg: 'HS512', kid: KEY_ID }, claims, secret: SECRET, algorithm: 'sha512' })],
  ['the algorithm HS256 in lower case', withHeader({ alg: 'hs256' })],
  ['the algorithm RS256', withHeader({ alg: 'RS256' })],
  ['a critical extension', withHeader({ crit: ['exp'] })],
  ['an unencoded payload', withHeader({ b64: false })],
  ['another type', withHeader({ typ: 'at+jwt' })],
  ['a type that is no text', withHeader({ typ: 1 })],
  ['no kid', withHeader({ kid: undefined })],
  ['a kid that is no text', withHeader({ kid: 7 })],
  ['a kid in a list', withHeader({ kid: [KEY_ID] })],
  ['two parts', good().split('.').slice(0, 2).join('.')],
  ['four parts', `${good()}.AAAA`],
  ['five parts', `${good()}.AAAA.AAAA`],
  ['a padded signature', `${good()}=`],
  ['a signature with other unused bits', otherSpelling(good())],
  ['a signature in the alphabet of plain base64', `${good().slice(0, -2)}+/`],
  ['an empty signature', good().slice(0, good().lastIndexOf('.') + 1)],
  ['claims that are a list', signText(HEADER, '[]', SECRET)],
  ['claims that are no JSON', signText(HEADER, 'sub', SECRET)],
  ['claims with a byte-order mark', signText(HEADER, `\u{feff}${CLAIMS}`, SECRET)],
  ['claims that are no UTF-8', signText(HEADER, latin1(CLAIMS.replace('{', '{"name":"\xfc",')), SECRET)],
  ['a claim that comes twice', signText(HEADER, CLAIMS.replace('{', '{"iss":"sdk",'), SECRET)],
  ['a kid that comes twice', signText(HEADER.replace('{', `{"kid":"${KEY_ID}",`), CLAIMS, SECRET)],
  ['more than 8,192 bytes', tokenOf(NOW, { padding: 'x'.repeat(7000) })],
]

export const GOOD: [name: string, token: string][] = [
  ['as the documented client makes it', good()],
  ['with the members of its header sorted', signText(HEADER, CLAIMS, SECRET)],
  ['without a type', withHeader({ typ: undefined })],
  ['with the type in lower case', withHeader({ typ: 'jwt' })],
  ['with white space in its claims', signText(HEADER, JSON.stringify(claims, null, 2), SECRET)],
  ['with an exponent', signText(HEADER, CLAIMS.replace(`${seconds + 600}`, '1.64099574e9'), SECRET)],
  ['with an audience that nobody asked for', tokenOf(NOW, { aud: 'somebody' })],
  ['with claims of its own', tokenOf(NOW, { name: 'Grüße', nested: { sub: 'x' } })],
  ['with members that are never followed', withHeader({ jku: 'https://example.com', x5u: 'https://example.com' })],
  ['with a key of its own, which is not used', withHeader({ jwk: { kty: 'oct', k: 'AAAA' } })],
  ['with compression announced, which is ignored', withHeader({ zip: 'DEF' })],
]
