// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of sources.
import type { Mutant } from './mutant.ts'

/** The checks of one file: what no longer holds, the text that makes it hold, and what stands in its place. */
function of(file: string, tests: readonly string[], rows: readonly (readonly [string, string, string])[]): Mutant[] {
  return rows.map(([name, find, replace]) => ({ name, file, find, replace, tests }))
}

const core = (file: string) => `packages/core/src/${file}.ts`
const tested = (...files: string[]) => files.map((file) => `packages/core/src/${file}.test.ts`)

export const MUTANTS: readonly Mutant[] = [
  ...of(core('credential'), tested('credential'), [
    ['an empty value counts as absent', " || value === ''", ''],
    ['a value with a comma is malformed', "if (value.includes(','))", 'if (false)'],
    [
      'the first carrier that holds something decides',
      "if (found.kind !== 'missing') return found",
      "if (found.kind === 'credential') return found",
    ],
    ['a key is printable ASCII', '/^[\\x21-\\x7e]+$/.test(value)', 'true'],
    ['a key carrier has a length limit', 'value.length <= MAX_CREDENTIAL_LENGTH && ', ''],
    ['the scheme is Bearer', "value.slice(0, 6).toLowerCase() !== 'bearer'", 'false'],
    ['the scheme compares without case', 'value.slice(0, 6).toLowerCase()', 'value.slice(0, 6)'],
    ['a separator follows the scheme', "if (separator !== ' ' && separator !== '\\t') return NOTHING", ''],
    ['a tab after the scheme is malformed', "separator === ' ' && text.length", 'text.length'],
    ['a Bearer credential has a length limit', 'text.length <= MAX_CREDENTIAL_LENGTH && ', ''],
    ['a Bearer credential is a b64token', '/^[A-Za-z0-9\\-._~+/]+=*$/.test(text)', 'true'],
  ]),
  ...of(core('key-format'), tested('key-format'), [
    ['a key leaves 128 random bits', ' || randomLength * Math.log2(characters.length) < MINIMUM_BITS', ''],
    ['a key fits into 256 bytes', 'if (textLength > MAX_KEY_LENGTH)', 'if (false)'],
    ['a prefix is printable ASCII without comma', '!/^[!#-+\\--~]*$/.test(prefix)', 'false'],
    ['a key has its length', ']{${length}}`', ']+`'],
    ['a key has its prefix and alphabet', 'if (!whole.test(text)) return false', ''],
    ['the checksum is compared', 'text.slice(end) === checksumOf(text.slice(0, end), characters)', 'true'],
    ['a display form is the prefix and four characters', 'text.slice(-4)', 'text.slice(-12)'],
    ['random characters are evenly distributed', 'byte < limit && ', ''],
  ]),
  ...of(core('digest'), tested('digest', 'prove'), [
    ['the pepper is mixed in', 'pepper === undefined ? digest : hmacHexOfDigest(pepper, digest)', 'digest'],
    ['texts of unequal length are not equal', 'if (a.length !== b.length) return false', ''],
    ['every character is compared', 'i < a.length', 'i < a.length - 1'],
  ]),
  ...of(core('parse-object'), tested('parse-object', 'parse-token'), [
    ['an object is no array', ' || Array.isArray(value)', ''],
    ['an object is not null', ' || value === null', ''],
    ['member names are unique', ' || hasDuplicateNames(text)', ''],
    ['names are compared as parsed', 'JSON.parse(text.slice(start, i + 1))', 'text.slice(start, i + 1)'],
    ['names are found at every depth', "else if (character === '}') open.pop()", ''],
    ['an object has no prototype', 'Object.assign(Object.create(null), value)', 'value as Record<string, unknown>'],
  ]),
  ...of(core('parse-token'), tested('parse-token', 'identity'), [
    ['a token has three parts', 'more.length > 0 || ', ''],
    ['the signature is canonical base64url', 'more.length > 0 || !isCanonicalBase64Url(signature)', 'more.length > 0'],
    ['the algorithm is one that was asked for', ' || !algorithms.includes(alg)', ''],
    ['crit is refused', " || 'crit' in header", ''],
    ['b64 is refused', " || 'b64' in header", ''],
    [
      'an HS256 signature has 32 bytes',
      'if (isHs256 && signature.length !== HS256_SIGNATURE_LENGTH) return undefined',
      '',
    ],
    ['typ is JWT', "if ('typ' in header && ", 'if (false && '],
    ['at+jwt is for identity providers', "isHs256 ? ['JWT'] : ", ''],
    ['kid is a text', "typeof kid !== 'string' || kid === ''", "kid === ''"],
    ['kid is not empty', " || kid === ''", ''],
    ['the store is asked for printable ids alone', ' || (isHs256 && !KEY_ID.test(kid))', ''],
    ['segments are canonical base64url', 'if (!isCanonicalBase64Url(encoded)) return undefined', ''],
    ['base64url has its alphabet', 'if (!/^[A-Za-z0-9_-]+$/.test(text)) return false', ''],
    ['the last of two characters is canonical', 'ENDS_GROUP_OF_TWO.includes(last)', 'true'],
    ['the last of three characters is canonical', 'ENDS_GROUP_OF_THREE.includes(last)', 'true'],
  ]),
  ...of(core('platform/node'), tested('platform/platform', 'parse-token'), [
    ['segments are UTF-8', 'isUtf8(bytes) ? ', 'bytes ? '],
  ]),
  ...of(core('platform/web'), tested('platform/platform'), [
    ['segments are UTF-8 on the web', 'fatal: true', 'fatal: false'],
    ['a byte-order mark is refused on the web', 'ignoreBOM: true', 'ignoreBOM: false'],
  ]),
  ...of(core('verify-key'), tested('verify-key', 'prove'), [
    ['the digest that was found is compared', '!equalDigests(match.secret.digest, digest) || ', ''],
    ['a key belongs to its service', ' || match.key.service !== service', ''],
    [
      'a version that rotation ended is dead',
      'if (match.secret.expiresAt !== null && now >= match.secret.expiresAt) return UNKNOWN',
      '',
    ],
    ['a version ends at its very millisecond', 'now >= match.secret.expiresAt', 'now > match.secret.expiresAt'],
    ['a revoked key is refused', 'if (key.revokedAt !== null) return', 'if (false) return'],
    ['an expired key is refused', 'if (key.expiresAt !== null && now >= key.expiresAt) {', 'if (false) {'],
    ['a key ends at its very millisecond', 'now >= key.expiresAt', 'now > key.expiresAt'],
  ]),
  ...of(core('verify-token'), tested('verify-token'), [
    ['the key that was found is the one that was named', ' && match.key.id === token.kid', ''],
    ['a signing key belongs to its service', ' && match.key.service === service', ''],
    [
      'secrets have 32 bytes when they are read',
      'if (match.secrets.some((secret) => !isLongEnough(secret))) {',
      'if (false) {',
    ],
    [
      'the signature is checked',
      "if (!live.some((secret) => isSignedBy(token, secret))) return tokenInvalid('signature')",
      '',
    ],
    [
      'a secret that rotation ended signs nothing',
      'match.secrets.filter((secret) => isLive(secret, now))',
      'match.secrets',
    ],
    ['the claims are checked', 'claimsDenial(token, rules, now) ?? match', 'match'],
    ['a revoked or expired key signs nothing', 'keyDenial(match.key, now) ?? ', ''],
    ['exp is required and an integer', "if (!isSeconds(exp)) return tokenInvalid('expiry')", ''],
    ['iat is required and an integer', '!isSeconds(iat) || ', ''],
    ['iat is not in the future', ' || iat * 1000 > now + leeway * 1000', ''],
    ['nbf is an integer', '!isSeconds(nbf) || ', ''],
    ['nbf is honoured', ' || nbf * 1000 > now + leeway * 1000', ''],
    ['iss is exact', "if (iss !== issuer) return tokenInvalid('issuer')", ''],
    ['sub is the kid', "if (subjectIsKeyId && sub !== token.kid) return tokenInvalid('subject')", ''],
    ['aud is exact', 'if (audience !== undefined && aud !== audience && ', 'if (false && '],
    [
      'a lifetime cap holds',
      "if (maxLifetime !== undefined && exp - iat > maxLifetime) return tokenInvalid('lifetime')",
      '',
    ],
    ['an expired token is refused', 'if (now >= expiredAt + expiryLeeway * 1000) return', 'if (false) return'],
    ['a token ends at its very millisecond', 'now >= expiredAt', 'now > expiredAt'],
    ['dates are safe integers', 'Number.isSafeInteger(value)', "typeof value === 'number'"],
  ]),
  ...of(core('record'), tested('record', 'prove'), [
    ['a digest that is no text is a broken record', "typeof secret?.digest === 'string' && ", ''],
    ['a date that is no number is a broken record', 'value === null || Number.isFinite(value)', 'true'],
    ['an account without a status is a broken record', " && (status === 'active' || status === 'suspended')", ''],
    ['permissions that are no list are a broken record', 'Array.isArray(key.permissions) &&', ''],
  ]),
  ...of(core('prove'), tested('prove'), [
    ['longer keys are refused before hashing', 'text.length <= MAX_KEY_LENGTH && ', ''],
    [
      'only texts in the format reach the store',
      '(contract.imported === true || codec?.accepts(text) === true)',
      'true',
    ],
    ['a broken key is unavailable', "if (match !== undefined && !isKeyMatch(match)) return broken('key')", ''],
    [
      'a broken signing key is unavailable',
      "if (match !== undefined && !isSigningKeyMatch(match)) return broken('signing key')",
      '',
    ],
    [
      'a key whose account is gone is unknown',
      'if (account === null) return unknown(text, digest)',
      "if (account === null) throw new Error('gone')",
    ],
    ['an account is the one that was asked for', ' && account.id === id', ''],
    ['a broken account is unavailable', 'isAccount(account) && ', ''],
    ['an id that is not in the text is derived from its digest', 'codec?.idIn(text) ?? ', ''],
  ]),
  ...of(core('prove'), tested('identity'), [
    [
      'an issuer that is not configured is refused',
      "if (verifier === undefined) return tokenInvalid('issuer')",
      "if (verifier === undefined) return { via: 'none' } as never",
    ],
    [
      'an identity token is verified',
      'if (denied !== undefined) return denied\n    const { claims }',
      'const { claims }',
    ],
    [
      'a token without a subject is refused',
      "if (typeof subject !== 'string' || subject === '') return tokenInvalid('subject')",
      '',
    ],
    ['a subject without an account is refused', "if (account === null) return tokenInvalid('subject')", ''],
    ['a scope gives only names of the contract', 'permissions.filter(isKnown)', 'permissions'],
    ['a wildcard is not a provider’s to give', " && !permission.endsWith('*')", ''],
    [
      'a claim that is no text names no account',
      "typeof value === 'string' && value !== '' ? value : undefined",
      'value as string',
    ],
  ]),
  ...of(core('identity'), tested('identity', 'identity-keys'), [
    ['the algorithms are pinned', '{ algorithms: [...algorithms] }', '{}'],
    ['the claims of an identity token are checked', 'return claimsDenial(token, provider, now)', 'return undefined'],
    [
      'the audience is required',
      'claimsDenial(token, provider, now)',
      'claimsDenial(token, { ...provider, audience: undefined as never }, now)',
    ],
    [
      'a failure of the keys is unavailable',
      'fault === undefined ? unavailable(error) : tokenInvalid(fault)',
      "tokenInvalid(fault ?? 'key')",
    ],
    [
      'a provider that is down is not asked at once again',
      'if (performance.now() - failedAt < RETRY_AFTER_FAILURE) throw failure',
      '',
    ],
    ['the keys have a size limit', 'if (bytes > MAX_JWKS_BYTES) {', 'if (false) {'],
    ['the keys have a time limit', 'timeoutDuration: timeout,', ''],
    ['unknown kids have a cool-down', 'cooldownDuration: cooldown * 1000,', 'cooldownDuration: 0,'],
    ['the keys come over a safe line', 'if (isSafeUrl(jwks)) return', 'if (true) return'],
    ['a private key is no public one', ' && key.d === undefined', ''],
    ['a URL of keys has no password', "if (username !== '' || password !== '') return false", ''],
    ['no secret stands among the keys', "key.kty !== 'oct' && ", ''],
  ]),
  ...of(core('admit'), tested('admit'), [
    ['a suspended account is refused', "if (account.status !== 'active') return", 'if (false) return'],
    ['the plan is asked for', 'if (denied !== undefined) return denied', ''],
    ['a limiter that is down is unavailable', 'if (isDenied(result)) return result', ''],
    [
      'a limiter that answers garbage is unavailable',
      "if (!isTaken(result)) return unavailable(new Error('the limiter returned a broken answer'))",
      '',
    ],
    ['a request over the limit is refused', 'if (result.taken) return', 'if (true) return'],
    ['retry-after is at least a second', 'Math.max(1, ', 'Math.max(0, '],
    ['windows belong to a service', '`${service}:${per}', '`${per}'],
  ]),
  ...of(core('memory-limiter'), tested('memory-limiter'), [
    [
      'all windows have room or none is charged',
      'if (taken) for (const { log } of open)',
      'for (const { log } of open)',
    ],
    ['a window slides', 'if (run.lastAt + log.milliseconds > now) break', ''],
    ['a run leaves with its last request', 'last.lastAt = Math.max(last.lastAt, now)', ''],
    ['a balance is not overspent', 'if (balance.remaining < cost) return { spent: false, balance }', ''],
    ['a refund gives at most what was used', 'Math.min(cost, balance.used)', 'cost'],
  ]),
  ...of(core('authorize'), tested('authorize', 'auth'), [
    ['the ladder is climbed from below', 'step >= needed', 'true'],
    ['a plan that the contract does not know is reached by nothing', 'needed >= 0 && ', ''],
    ['a feature is the plan’s', '!contract.features?.[feature]?.includes(plan)', 'false'],
    [
      'a permission is covered',
      'if (permission !== undefined && !covers(contract, principal.permissions, permission)) {',
      'if (false) {',
    ],
    ['a wildcard ends at a colon', "permission.endsWith(':*') && ", "permission.endsWith('*') && "],
    ['only the contract’s own names imply others', 'Object.hasOwn(contract.permissions ?? {}, permission)', 'true'],
    [
      'circles of permissions end',
      'if (seen.has(permission)) continue',
      "if (seen.has(permission)) throw new Error('a circle')",
    ],
    ['a hidden resource is hidden', "if (access === 'hide') return HIDDEN", ''],
    ['anything but allow is refused', "if (access !== 'allow') return", "if (access === 'forbid') return"],
    [
      'a broken balance is unavailable',
      "if (!isSpent(result)) return unavailable(new Error('the limiter returned a broken answer'))",
      '',
    ],
    ['an exhausted balance is refused', 'result === undefined || result.spent', 'true'],
    ['everyone is still bound to the resource’s rule', "if (principal.via === 'none' || cost === 0", 'if (cost === 0'],
    [
      'an unknown permission is the developer’s error',
      'if (permission !== undefined) {\n    checkKnown',
      'if (false) {\n    checkKnown',
    ],
  ]),
  ...of(core('auth'), tested('auth'), [
    [
      'optional forgives absence alone',
      'proven === MISSING && requirement.optional === true',
      'requirement.optional === true',
    ],
    ['optional is asked for', 'proven === MISSING && requirement.optional === true', 'proven === MISSING'],
    [
      'a request is counted once',
      'if (before !== undefined) return report(again(before, requirement), before.principal, request)',
      '',
    ],
    [
      'a second mount asks for its plan',
      "(principal.via === 'none' ? undefined : planDenial(contract, principal.plan, requirement)) ?? before",
      'before',
    ],
    [
      'what is proven belongs to one auth',
      'const establishedBy = new WeakMap<object, Allowed<Principal | Everyone>>()',
      'const establishedBy: WeakMap<object, Allowed<Principal | Everyone>> = ((globalThis as { shared?: WeakMap<object, never> }).shared ??= new WeakMap<object, never>())',
    ],
    [
      'a denied request is not established',
      'isDenied(outcome) ? report(outcome, proof, request) : establish(request, outcome)',
      'isDenied(outcome) ? (establish(request, everyone), report(outcome, proof, request)) : establish(request, outcome)',
    ],
    [
      'the permission is checked before the resource',
      'if (denied !== undefined) return report(denied, outcome.principal, request)',
      '',
    ],
    ['a rule that forgot to answer refuses', "rule.length === 0 ? 'allow' : (rule[0] as Access)", "rule[0] ?? 'allow'"],
    ['a log that throws changes nothing', '} catch {}', '} finally {}'],
  ]),
  ...of(core('options'), tested('auth'), [
    [
      'authentication is switched off by true alone',
      "if (typeof insecureAllowEveryone !== 'boolean') throw",
      'if (false) throw',
    ],
    ['a pepper has 32 bytes', '.length >= 32)', '.length >= 0)'],
  ]),
  ...of(core('guard'), tested('guard'), [
    [
      'a guard denies what is neither allowed nor anonymous',
      "outcome.kind === 'allowed' || outcome.kind === 'anonymous' ? undefined : outcome",
      'undefined',
    ],
    ['fields are set once', 'mounted ? undefined : auth.established(request)', 'auth.established(request)'],
    ['an anonymous answer says what it depends on', "outcome.kind === 'anonymous' ? outcome : allowed", 'allowed'],
  ]),
  ...of(core('attempt'), tested('attempt', 'prove'), [
    ['a store that hangs is unavailable', 'isPromise(result) ? withTimeout(result, timeout) : result', 'result'],
    [
      'a store that rejects is unavailable',
      'Promise.resolve(result).then(settle, (cause) => settle(unavailable(cause)))',
      'Promise.resolve(result).then(settle)',
    ],
    [
      'a store that throws is unavailable',
      '  } catch (cause) {\n    return unavailable(cause)',
      '  } catch (cause) {\n    throw cause',
    ],
  ]),
  ...of(core('render'), tested('render'), [
    ['a denial is never stored', "      'Cache-Control': 'no-store',\n", ''],
    ['a 401 carries a challenge', "...(status === 401 ? { 'WWW-Authenticate': challenge } : undefined),", ''],
    ['header names compare without case', '...canonical(headers),', '...headers,'],
  ]),
  ...of(core('define-contract'), tested('define-contract'), [
    ['a contract has a carrier', 'if (!Array.isArray(carriers) || carriers.length === 0) {', 'if (false) {'],
    [
      'a row has a status',
      'if (!Number.isInteger(status) || status < 200 || status > 599 || [204, 205, 304].includes(status)) {',
      'if (false) {',
    ],
    ['a header value has no line break', 'if (!/^[\\t\\x20-\\x7e]*$/.test(value)) throw', 'if (false) throw'],
    ['a key has no dot where tokens are accepted', "if (key?.prefix.includes('.') && ", 'if (false && '],
  ]),
  ...of(core('contract'), tested('define-contract', 'authorize'), [
    ['an unknown plan is the developer’s error', 'if (known.includes(value)) return', 'if (true) return'],
  ]),
  ...of(core('memory-store'), tested('memory-store'), [
    [
      'a revocation is sticky',
      'key.revokedAt === null ? { key: { ...key, revokedAt: at',
      'true ? { key: { ...key, revokedAt: at',
    ],
    ['a revoked key is not rotated', 'if (key.revokedAt !== null) return undefined', ''],
    [
      'a change does not undo a revocation',
      'return { key: { ...key, name, environment, permissions, expiresAt, metadata }, secrets }',
      'return { key: { ...key, ...change }, secrets }',
    ],
    ['an account’s first key is made once', 'options.onlyFirst === true ? ', 'false ? '],
    [
      'deleting takes the digests away',
      "for (const secret of entry.secrets) if (secret.kind === 'key') found.ids.delete(secret.digest)",
      '',
    ],
  ]),
  ...of(core('issue'), tested('issue'), [
    ['a key has a name', "if (typeof name !== 'string' || name.trim() === '') throw", 'if (false) throw'],
    ['a key has permissions of the contract', "checkKnown('permissions', 'permission', permission, known)", ''],
  ]),
  ...of(core('node/index'), tested('node/index'), [
    [
      'every line of a field is read',
      'value === null ? (rawHeaders[i + 1] as string) : `${value}, ${rawHeaders[i + 1]}`',
      'value ?? (rawHeaders[i + 1] as string)',
    ],
    ['lines that Node dropped are not forgotten', 'if (dropped) return DROPPED_LINES', ''],
    ['field names compare without case', 'line.toLowerCase() !== wanted', 'line !== wanted'],
  ]),
  ...of(
    'packages/hono/src/index.ts',
    ['packages/hono/src/index.test.ts'],
    [
      ['Hono answers a denial', 'if (denied !== undefined) return deny(auth, c, denied)', ''],
      ['Hono marks answers private', 'if (headers !== undefined) setHeaders(c, headers)', ''],
      ['Hono marks a handler’s own Response private', 'if (headers !== undefined) completeHeaders(c, headers)', ''],
      ['options are checked as the Hono app is put together', "if (typeof source !== 'function') of(source)", ''],
    ],
  ),
  ...of(
    'packages/express/src/index.ts',
    ['packages/express/src/index.test.ts', 'test/conformance/precedence.test.ts'],
    [
      ['Express answers a denial', 'if (denied === undefined) next()\n      else deny(auth, res, denied)', 'next()'],
      [
        'Express reads the raw lines',
        'const decided = guarded(req, rawFields(req))',
        'const decided = guarded(req, { get: (name: string) => req.headers[name.toLowerCase()] as string })',
      ],
      ['Express marks answers private', 'if (headers !== undefined) setAllowedHeaders(res, headers)', ''],
      ['Express hands a failing rule to the error handler', '.catch(next)', ''],
    ],
  ),
  ...of(
    'packages/koa/src/index.ts',
    ['packages/koa/src/index.test.ts', 'test/conformance/precedence.test.ts'],
    [
      ['Koa answers a denial', 'if (denied !== undefined) return deny(auth, ctx, denied)', ''],
      [
        'Koa reads the raw lines',
        'const decided = guarded(ctx, rawFields(ctx.req))',
        'const decided = guarded(ctx, { get: (name: string) => ctx.get(name) })',
      ],
      ['Koa marks answers private', 'if (headers !== undefined) setAllowedHeaders(ctx.res, headers)', ''],
      ['Koa sends the documented header fields', 'ctx.set(headers)', ''],
    ],
  ),
]
