import { DEFAULT_TIMEOUT } from './attempt.ts'
import { type AccountEvents, checkListeners, type Listeners, quiet } from './events.ts'
import { checkKnown, checkMembers, membersOf } from './known.ts'
import {
  changer,
  checkBy,
  checkMetadata,
  checkText,
  MANAGE_OPTIONS,
  type ManageOptions,
  type PageOptions,
  pageQuery,
  settled,
} from './manage.ts'
import { checkTimeout } from './options.ts'
import type { Account, AccountChange, AuditAction, AuditEntry, AuditRecord, Page } from './store.ts'

export interface ManageAccountsOptions<Plan extends string = string> extends ManageOptions {
  /** The plans that an account may have: a contract's. Default: any. */
  readonly plans?: readonly Plan[] | undefined
  /** What is told of what is done to accounts. */
  readonly on?: Listeners<AccountEvents> | undefined
}

export interface NewAccount<Plan extends string = string> {
  readonly id: string
  readonly plan: Plan
  readonly email?: string | null | undefined
  /** Default `active`. */
  readonly status?: Account['status'] | undefined
  /** Anything that JSON can hold. Default: empty. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

/**
 * The accounts that own keys. Rejects as `Keys` does. A change of plan or status, as every change, holds for every request
 * that begins after the call has returned: see `wait`.
 */
export interface Accounts<Plan extends string = string> {
  /** `undefined`: the id is taken. */
  create(account: NewAccount<Plan>): Promise<Account | undefined>
  find(id: string): Promise<Account | undefined>
  /** Oldest first. */
  list(options?: PageOptions): Promise<Page<Account>>
  /** Changes what is given and leaves the rest. `status: 'suspended'` refuses all the account's keys, until it is undone. */
  change(id: string, change: AccountChange & { readonly plan?: Plan }): Promise<Account | undefined>
  /** What was done to an account, newest first. */
  audit(id: string, options?: PageOptions): Promise<Page<AuditRecord>>
}

const CHANGED = { plan: true, status: true, email: true, metadata: true } as const
const CHANGE = membersOf<AccountChange>(CHANGED)
const ACCOUNT = membersOf<NewAccount>({ id: true, ...CHANGED })
const OWN_OPTIONS = membersOf<Omit<ManageAccountsOptions, keyof ManageOptions>>({ plans: true, on: true })
const OPTIONS = [...MANAGE_OPTIONS, ...OWN_OPTIONS]

/**
 * Manages the accounts of a store.
 *
 * @throws TypeError naming the option that is wrong.
 */
export function manageAccounts<Plan extends string = string>(options: ManageAccountsOptions<Plan>): Accounts<Plan> {
  checkMembers('options', options, OPTIONS)
  const { store, by, plans, timeout = DEFAULT_TIMEOUT, now = Date.now, on = {} } = options
  checkBy(options)
  if (plans !== undefined && !Array.isArray(plans)) throw new TypeError('plans must be a list of plans')
  checkTimeout(timeout)
  checkListeners(on)
  const make = changer(options, timeout)

  function entry(action: AuditAction, details: AuditEntry['details']): AuditEntry {
    return { at: now(), by, action, details }
  }

  function check({ plan, status, email, metadata }: AccountChange): void {
    if (plan !== undefined) checkText('plan', plan)
    if (plan !== undefined && plans !== undefined) checkKnown('plan', 'plan', plan, plans)
    if (status !== undefined) checkKnown('status', 'status', status, ['active', 'suspended'])
    if (email !== undefined && email !== null) checkText('email', email)
    if (metadata !== undefined) checkMetadata(metadata)
  }

  return {
    async create(details: NewAccount<Plan>) {
      checkMembers('account', details, ACCOUNT)
      const { id, plan, email = null, status = 'active', metadata = {} } = details
      checkText('id', id)
      checkText('plan', plan)
      check({ plan, status, email, metadata })
      const account: Account = { id, plan, status, email, metadata }
      const audit = entry('account.created', { plan, status })
      if (!(await settled(() => store.insertAccount(account, audit), timeout))) return undefined
      quiet(on.accountCreated)?.({ by, account })
      return account
    },
    find: async (id: string) => settled(() => store.findAccount(checkText('id', id)), timeout),
    list: async (page: PageOptions = {}) => settled(() => store.listAccounts(pageQuery(page)), timeout),
    async change(id: string, change: AccountChange) {
      checkText('id', id)
      checkMembers('change', change, CHANGE)
      check(change)
      const { plan, status, email, metadata } = change
      const given = Object.entries({ plan, status, email, metadata }).filter(([, value]) => value !== undefined)
      const known = Object.fromEntries(given)
      const account = await make(() => store.changeAccount(id, known, entry('account.changed', known)))
      if (account !== undefined) quiet(on.accountChanged)?.({ by, account })
      return account
    },
    audit: async (id: string, page: PageOptions = {}) =>
      settled(() => store.listAudit({ ...pageQuery(page), accountId: checkText('id', id) }), timeout),
  }
}
