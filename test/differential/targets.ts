/** Ways to write the target of a request, some of them other names of the same path, some of them of none. */
import { utf8 } from './wire.ts'

export type Rewrite = readonly [name: string, rewrite: (path: string) => string]

const last = (path: string) => path.slice(path.lastIndexOf('/') + 1)
const parent = (path: string) => path.slice(0, path.lastIndexOf('/'))
const first = (path: string) => path.split('/')[1] ?? ''
const below = (path: string) => path.slice(first(path).length + 1)
const percent = (text: string) => [...text].map((it) => `%${it.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')
const atEnd = (text: string): Rewrite => [`${JSON.stringify(text)} at the end`, (path) => path + text]
const atStart = (text: string): Rewrite => [`${JSON.stringify(text)} at the start`, (path) => text + path]
const inside = (text: string): Rewrite => [
  `${JSON.stringify(text)} before the last segment`,
  (path) => `${parent(path)}/${text}${last(path)}`,
]
const afterFirst = (text: string): Rewrite => [
  `${JSON.stringify(text)} behind the first segment`,
  (path) => `/${first(path)}${text}${below(path)}`,
]

export const REWRITES: readonly Rewrite[] = [
  ['as it is', (path) => path],
  // slashes
  ...['/', '//', '/\\', '/.', '/./', '///', '/%2f', '\\'].map(atStart),
  ...['/', '//', '/.', '/./', '/..', '/../', '/x/..', '/%2e', '/%2e%2e', '/%2f', '%2f', '%2F', '\\', '%5c'].map(atEnd),
  ...['/', './', '//', '../', 'x/../', '%2e/', '%2E/', '%2e%2e/', '.%2e/', '%2e./', 'x/%2e%2e/', '.../'].map(inside),
  ...['..;/', ';/', ';x/', '%00/', '%2f', '%5c', '\\', '%20/', ' ', '%09/', '%0a/', '%0d%0a/', '.;/'].map(inside),
  ...['/', '/.', '/..', ';', ';x=1', '%2f', '%5c', '%00', '.', '%20', '%3b', '/x/..', '/%2e%2e'].map(afterFirst),
  ['slashes encoded', (path) => `/${path.slice(1).replaceAll('/', '%2f')}`],
  ['slashes encoded in capitals', (path) => `/${path.slice(1).replaceAll('/', '%2F')}`],
  ['slashes encoded twice', (path) => `/${path.slice(1).replaceAll('/', '%252f')}`],
  ['every slash encoded', (path) => path.replaceAll('/', '%2f')],
  ['slashes doubled', (path) => path.replaceAll('/', '//')],
  ['backslashes', (path) => path.replaceAll('/', '\\')],
  ['backslashes behind the first slash', (path) => `/${path.slice(1).replaceAll('/', '\\')}`],
  ['backslashes encoded', (path) => `/${path.slice(1).replaceAll('/', '%5c')}`],
  ['no slash at the start', (path) => path.slice(1)],
  // letters
  ['in capitals', (path) => path.toUpperCase()],
  ['the first segment in capitals', (path) => `/${first(path).toUpperCase()}${below(path)}`],
  ['the last segment in capitals', (path) => `${parent(path)}/${last(path).toUpperCase()}`],
  ['the first letter encoded', (path) => `/${percent(path.charAt(1))}${path.slice(2)}`],
  ['the last letter encoded', (path) => path.slice(0, -1) + percent(path.slice(-1))],
  ['the last letter encoded as a capital', (path) => path.slice(0, -1) + percent(path.slice(-1).toUpperCase())],
  ['all letters encoded', (path) => path.split('/').map(percent).join('/')],
  ['the last letter encoded twice', (path) => `${path.slice(0, -1)}%25${percent(path.slice(-1)).slice(1)}`],
  ['all letters encoded twice', (path) => path.split('/').map(percent).join('/').replaceAll('%', '%25')],
  ['the last letter as %u', (path) => `${path.slice(0, -1)}%u00${percent(path.slice(-1)).slice(1)}`],
  ['the last letter in full width', (path) => `${path.slice(0, -1)}%ef%bd%81`],
  ['a combining mark', (path) => `${path}%cc%81`],
  ['a letter beyond ASCII', (path) => `${path}${utf8('é')}`],
  ['a letter beyond ASCII, encoded', (path) => `${path}%c3%a9`],
  ['an overlong slash', (path) => `${parent(path)}%c0%af${last(path)}`],
  ['an overlong dot', (path) => `${parent(path)}/%c0%ae%c0%ae/${last(path)}`],
  ['an overlong last letter', (path) => `${path.slice(0, -1)}%c1%a5`],
  ['a lone continuation byte', (path) => `${path}%80`],
  ['a surrogate', (path) => `${path}%ed%a0%80`],
  // ends
  ...['.', '..', ' ', '%20', '+', '%09', '%0a', '%0d', '%0d%0a', '%00', '%00.html', '%', '%z', '%zz', '%2', ';'].map(
    atEnd,
  ),
  ...[';x', ';x=1', ';/', '%3b', '.json', '.html', '~', '*', '%2a', ':x', '@', '!', '$', "'", '"', '<', '{', '|'].map(
    atEnd,
  ),
  ...['^', '`', '[', ']', '%7f', '\t', '\x00', '\x7f', ',', '=', '(', ')', '$1', '/*', '/..;/', '/..%00/'].map(atEnd),
  // queries and fragments
  ...['?', '??', '?x', '?x=1', '?a=%zz', '?a=%00', '?/', '?/../', '?a/b', '?a#b', '?#', '?q={a}', '?q[]=1'].map(atEnd),
  ...['#', '#f', '#/x', '%23', '%23f', '%3f', '%3fx', '%3Fx=1', '?%2f..', '&x=1', ';?x', '?x-api-key=good'].map(atEnd),
  ...['?access_token=good', '?__proto__[via]=none', '?_method=OPTIONS', '?url=/', '?path=/public'].map(atEnd),
  ['a query before the last segment', (path) => `${parent(path)}?/${last(path)}`],
  ['a fragment before the last segment', (path) => `${parent(path)}#/${last(path)}`],
  ['a query before the path', (path) => `/?${path}`],
  ['a fragment before the path', (path) => `/#${path}`],
  // absolute and other forms
  ['absolute', (path) => `http://localhost${path}`],
  ['absolute, with a port', (path) => `http://localhost:80${path}`],
  ['absolute, of another host', (path) => `http://evil.example${path}`],
  ['absolute, in capitals', (path) => `HTTP://LOCALHOST${path}`],
  ['absolute, https', (path) => `https://localhost${path}`],
  ['absolute, with a user', (path) => `http://user:pass@localhost${path}`],
  ['absolute, without a host', (path) => `http://${path}`],
  ['absolute, with three slashes', (path) => `http:///${path}`],
  ['absolute, with one slash', (path) => `http:${path}`],
  ['absolute, with backslashes', (path) => `http:\\\\localhost${path}`],
  ['absolute, with dots', (path) => `http://localhost/x/..${path}`],
  ['absolute, doubled', (path) => `http://localhost/http://localhost${path}`],
  ['absolute, with a query for a path', (path) => `http://localhost?${path}`],
  ['absolute, with a fragment for a path', (path) => `http://localhost#${path}`],
  ['absolute, ftp', (path) => `ftp://localhost${path}`],
  ['absolute, file', (path) => `file://${path}`],
  ['absolute, javascript', (path) => `javascript:${path}`],
  ['absolute, of an IPv6 host', (path) => `http://[::1]${path}`],
  ['absolute, of a broken host', (path) => `http://[${path}`],
  ['absolute, of an empty port', (path) => `http://localhost:${path}`],
  ['of no scheme but a host', (path) => `//localhost${path}`],
  ['of no scheme but a host with a port', (path) => `//localhost:80${path}`],
  ['the authority form', () => 'localhost:80'],
  ['an asterisk', () => '*'],
  ['an asterisk and the path', (path) => `*${path}`],
  ['a slash', () => '/'],
  ['nothing', () => ''],
  ['a question mark', () => '?'],
  // detours
  ['from outside by dots', (path) => `/public/..${path}`],
  ['from outside by encoded dots', (path) => `/public/%2e%2e${path}`],
  ['from outside by dots and a semicolon', (path) => `/public/..;${path}`],
  ['from outside by encoded slashes', (path) => `/public/..%2f${path.slice(1)}`],
  ['from outside by backslashes', (path) => `/public/..\\${path.slice(1)}`],
  ['below what is public', (path) => `/public${path}`],
  ['above the root', (path) => `/../../..${path}`],
  ['above the root, encoded', (path) => `/%2e%2e/%2e%2e${path}`],
  ['twice', (path) => path + path],
  ['once in a detour to itself', (path) => `${path}/..${below(path)}`],
  ['8000 slashes', (path) => '/'.repeat(8000) + path],
  ['3000 detours', (path) => `${'/x/..'.repeat(3000)}${path}`],
]
