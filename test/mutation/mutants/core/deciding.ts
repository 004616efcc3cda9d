// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of sources.
import type { Mutant } from '../../mutant.ts'
import { core, of, tested } from '../../rows.ts'

export const DECIDING: readonly Mutant[] = [
  ...of(core('admit'), tested('admit'), [
    ['a suspended account is refused', "if (account.status !== 'active') return", 'if (false) return'],
    ['the plan is asked for', 'return planDenial(contract, plan, requirement)', 'return undefined'],
  ]),
  ...of(core('slot'), tested('slot'), [
    [
      'a slot does not see what is of another',
      'filled.slot === slot ? (filled.value as T)',
      'true ? (filled.value as T)',
    ],
    ['a slot does not write over what is of another', 'if (filled.slot === slot) filled', 'if (true) filled'],
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
    ['anything but allow is refused', "access === 'allow' ?", "access !== 'forbid' ?"],
    [
      'everyone is still bound to the resource’s rule',
      'const denied = routeDenial(contract, principal, requirement)\n',
      "if (principal.via === 'none') return undefined\n  const denied = routeDenial(contract, principal, requirement)\n",
    ],
    [
      'a plan that would do is one that the feature has too',
      'return feature === undefined || features?.[feature]?.includes(plan) === true',
      'return true',
    ],
    [
      'an unknown permission is the developer’s error',
      'if (permission !== undefined) {\n    checkKnown',
      'if (false) {\n    checkKnown',
    ],
  ]),
  ...of(core('authenticator'), tested('auth'), [
    [
      'optional forgives absence alone',
      'proven === MISSING && requirement.optional === true',
      'requirement.optional === true',
    ],
    ['optional is asked for', 'proven === MISSING && requirement.optional === true', 'proven === MISSING'],
    [
      'a request is counted once',
      'if (before !== undefined) return report(again(before, requirement), before.principal)',
      '',
    ],
    [
      'a second mount asks for its plan',
      "(principal.via === 'none' ? undefined : planDenial(contract, principal.plan, requirement)) ?? before",
      'before',
    ],
    [
      'a denied request is not established',
      'if (isDenied(taken)) return report(taken, proof)',
      'if (isDenied(taken)) return (establish(request, everyone), report(taken, proof))',
    ],
  ]),
  ...of(core('authorizer'), tested('auth'), [
    [
      'another contract’s principal is not checked',
      'return principal?.key?.service === contract.name',
      'return typeof principal?.via === "string"',
    ],
    [
      'everybody is checked only where authentication is off',
      "=== 'none') return insecureAllowEveryone",
      "=== 'none') return true",
    ],
    ['another provider’s principal is not checked', '({ issuer }) => issuer === principal.issuer', '() => true'],
    [
      'the permission is checked before the resource',
      'if (denied !== undefined) return report(denied, outcome.principal)',
      '',
    ],
    ['a rule that forgot to answer refuses', "rule.length === 0 ? 'allow' : (rule[0] as Access)", "rule[0] ?? 'allow'"],
  ]),
  ...of(core('authorizer'), tested('auth-limits'), [
    ['what was not proven has no cost', 'if (establishedBy.get(request) === undefined)\n', 'if (false)\n'],
  ]),
  ...of(core('auth'), tested('auth'), [
    [
      'what is proven belongs to one auth',
      'const establishedBy = slot<Allowed<Principal | Everyone>>()',
      'const establishedBy = ((globalThis as { shared?: ReturnType<typeof slot<Allowed<Principal | Everyone>>> }).shared ??= slot<Allowed<Principal | Everyone>>())',
    ],
  ]),
  ...of(core('options'), tested('auth'), [
    [
      'authentication is switched off by true alone',
      "if (typeof insecureAllowEveryone !== 'boolean') throw",
      'if (false) throw',
    ],
    ['a pepper has 32 bytes', '.length >= 32)', '.length >= 0)'],
    [
      'tokens need a master key',
      'else if (contract.token !== undefined && insecureAllowEveryone !== true) {',
      'else if (false) {',
    ],
  ]),
  ...of(core('guard'), tested('guard'), [
    [
      'a guard denies what is neither allowed nor anonymous',
      "outcome.kind === 'allowed' || outcome.kind === 'anonymous' ? undefined : outcome",
      'undefined',
    ],
    ['fields are set once', 'if (before !== undefined) return { denied', 'if (false) return { denied'],
    [
      'an anonymous answer says what it depends on',
      'headers: first && auth',
      "headers: first?.kind === 'allowed' && auth",
    ],
  ]),
  ...of(core('attempt'), tested('attempt', 'prove'), [
    [
      'a store that hangs is unavailable',
      'isPromise(result) ? withTimeout(result, timeout) : undenied(result)',
      'result',
    ],
    ['a store that rejects is unavailable', '(cause) => settle(unavailable(cause)),', ''],
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
  ...of(core('known'), tested('define-contract', 'authorize'), [
    ['an unknown plan is the developer’s error', 'if (known.includes(value)) return', 'if (true) return'],
    ['what is misspelt is the developer’s error', "checkKnown(option, 'member', name, members)", '{}'],
  ]),
  ...of(core('node/index'), tested('node/index'), [
    [
      'every line of a field is read',
      'value === null ? (lines[i + 1] as string) : `${value}, ${lines[i + 1]}`',
      'value ?? (lines[i + 1] as string)',
    ],
    ['lines that Node dropped are not forgotten', 'isDropped ? DROPPED_LINES : null', 'null'],
    ['a server may keep fewer lines', 'return most > 0 ? most : Infinity', 'return DEFAULT_MAX_LINES'],
    ['field names compare without case', 'ascii >= 0x41 && ascii <= 0x5a ? ascii | 0x20 : ascii', 'ascii'],
    ['field names are compared to their end', 'if (a.length !== b.length) return false', ''],
  ]),
]
