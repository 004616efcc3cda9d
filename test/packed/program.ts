/** A program outside of the workspace: a provider on each framework, and what each of them answers. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { problemDetails } from '@latchkey/contracts'
import { createAuth, manageAccounts, manageKeys } from '@latchkey/core'
import { testStore } from '@latchkey/core/testing'
import * as onExpress from '@latchkey/express'
import * as onHono from '@latchkey/hono'
import * as onKoa from '@latchkey/koa'
import { openRedis } from '@latchkey/store-redis'
import { openSqlite } from '@latchkey/store-sql'
import express from 'express'
import { Hono } from 'hono'
import Koa from 'koa'

const masterKey = 'the master key of a program that nobody uses'
const contract = problemDetails({
  name: 'acme',
  key: { prefix: 'acme_', length: 32, alphabet: 'base62', checksum: true },
  token: { issuer: 'https://api.example.com' },
  permissions: { read: [], write: [] },
})
const store = await openSqlite(process.argv[2] ?? ':memory:')
const by = 'program'
await manageAccounts({ store, by }).create({ id: 'ada', plan: 'pro' })
const { secret } = await manageKeys({ contract, store, masterKey, by }).create({
  accountId: 'ada',
  name: 'first',
  permissions: ['read'],
})
const auth = createAuth({ contract, store, masterKey })

const hono = new Hono<onHono.AuthEnv<typeof auth>>().use(onHono.authenticate(auth))
hono.get('/', onHono.requires(auth, { permission: 'read' }), (c) => c.text(c.var.auth.account.id))

const koa = new Koa().use(onKoa.authenticate(auth)).use(onKoa.requires(auth, { permission: 'read' }))
koa.use((ctx) => {
  ctx.body = onKoa.principalOf(auth, ctx).account.id
})

const web = express().use(onExpress.authenticate(auth))
web.get('/', onExpress.requires(auth, { permission: 'read' }), (req, res) => {
  res.send(onExpress.principalOf(auth, req).account.id)
})

// @ts-expect-error: the contract names no such permission
export const misspelt = () => onHono.requires(auth, { permission: 'wirte' })

type Ask = (headers: Record<string, string>) => Response | Promise<Response>

async function listening<T>(listener: RequestListener, ask: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const answer = await ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  server.close()
  return answer
}

async function answersOf(ask: Ask) {
  const answers = [await ask({}), await ask({ 'x-api-key': secret })]
  return Promise.all(answers.map(async (answer) => [answer.status, answer.status === 200 ? await answer.text() : '']))
}

const onServer = (listener: RequestListener) =>
  listening(listener, (url) => answersOf((headers) => fetch(url, { headers })))
console.log(
  JSON.stringify({
    hono: await answersOf((headers) => hono.request('/', { headers })),
    koa: await onServer(koa.callback()),
    express: await onServer(web),
    redis: typeof openRedis,
    suite: typeof testStore,
  }),
)
await auth.close()
await store.close()
