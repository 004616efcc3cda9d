/** What the APIs answer beside denials, and problem details by the letter of RFC 9457. */
import { STATUS_CODES } from 'node:http'
import {
  aiApiErrors,
  type ErrorAnswers,
  problemErrors,
  viddyscribeErrors,
  viesusErrors,
  viralsyncErrors,
  visualLayerErrors,
} from '@latchkey/contracts'
import { describe, expect, test } from 'vitest'
import { PROVIDERS, type ProviderName } from './providers.ts'

type Bytes = { readonly [Name in keyof ErrorAnswers]: readonly [status: number, body: string] }

const ERRORS: { readonly [Name in ProviderName]: readonly [answers: ErrorAnswers, expected: Bytes] } = {
  viesus: [
    viesusErrors,
    {
      bad_request: [400, '{"errors":[{"message":"The request was invalid.","extensions":{"code":"BAD_REQUEST"}}]}'],
      not_found: [404, '{"errors":[{"message":"Not found.","extensions":{"code":"NOT_FOUND"}}]}'],
      internal_error: [
        500,
        '{"errors":[{"message":"Internal server error.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}',
      ],
    },
  ],
  viralsync: [
    viralsyncErrors,
    {
      bad_request: [400, '{"error":"The request was invalid.","code":"BAD_REQUEST"}'],
      not_found: [404, '{"error":"Not found.","code":"NOT_FOUND"}'],
      internal_error: [500, '{"error":"Internal server error.","code":"INTERNAL_ERROR"}'],
    },
  ],
  aiApi: [
    aiApiErrors,
    {
      bad_request: [400, '{"success":false,"error":{"code":"INVALID_REQUEST","message":"The request was invalid"}}'],
      not_found: [404, '{"success":false,"error":{"code":"ENDPOINT_NOT_FOUND","message":"Endpoint not found"}}'],
      internal_error: [500, '{"success":false,"error":{"code":"INTERNAL_ERROR","message":"Internal server error"}}'],
    },
  ],
  viddyscribe: [
    viddyscribeErrors,
    {
      bad_request: [400, '{"error":"bad_request","message":"The request was invalid"}'],
      not_found: [404, '{"error":"not_found","message":"Media or job not found"}'],
      internal_error: [500, '{"error":"internal_error","message":"Internal server error"}'],
    },
  ],
  visualLayer: [
    visualLayerErrors,
    {
      bad_request: [400, '{"detail":"Bad Request"}'],
      not_found: [404, '{"detail":"Not Found"}'],
      internal_error: [500, '{"detail":"Internal Server Error"}'],
    },
  ],
  problemDetails: [
    problemErrors,
    {
      bad_request: [
        400,
        '{"type":"about:blank","title":"Bad Request","status":400,"detail":"The request is not valid.","code":"bad_request"}',
      ],
      not_found: [
        404,
        '{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such resource.","code":"not_found"}',
      ],
      internal_error: [
        500,
        '{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"Something went wrong.","code":"internal_error"}',
      ],
    },
  ],
}

describe.each(Object.entries(ERRORS))('%s', (_, [answers, expected]) => {
  test.each(Object.entries(expected))('answers %s', (name, [status, body]) => {
    const answer = answers[name as keyof ErrorAnswers]
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, body])
  })
})

test('Visual Layer answers what its credentials page refuses', () => {
  expect(visualLayerErrors.no_session).toEqual({
    status: 401,
    headers: { 'WWW-Authenticate': 'APIKey' },
    body: { detail: 'Not authenticated' },
  })
  expect(visualLayerErrors.forbidden).toEqual({ status: 403, body: { detail: 'Insufficient permissions' } })
})

describe('problem details', () => {
  const { answers, variants } = PROVIDERS.problemDetails
  const all = [
    ...Object.entries({ ...answers, ...variants }).map(([name, { status, body }]) => ({ name, status, body })),
  ]

  test.each(all)('$name: are as RFC 9457 asks', ({ status, body }) => {
    const problem: unknown = JSON.parse(body)
    expect(problem).toMatchObject({
      // §3.1.2: the same as the status of the answer.
      status,
      // §3.1.1: an absolute URI, or about:blank.
      type: expect.stringMatching(/^(about:blank|https:\/\/.+)$/),
      detail: expect.stringMatching(/\.$/),
      code: expect.stringMatching(/^[a-z_]+$/),
    })
    const { type, title } = problem as { type: string; title: string }
    // §4.2.1: with about:blank the title is the phrase of the status.
    if (type === 'about:blank') expect(title).toBe(STATUS_CODES[status])
  })

  test('have a code for each denial that a client has to tell apart', () => {
    const codes = Object.entries(answers).map(([code, { body }]) => [code, (JSON.parse(body) as { code: string }).code])
    expect(Object.fromEntries(codes)).toEqual({
      missing: 'missing_credential',
      malformed: 'invalid_credential',
      unknown: 'invalid_credential',
      token_invalid: 'invalid_credential',
      revoked: 'revoked_credential',
      expired: 'expired_credential',
      suspended: 'account_suspended',
      plan: 'plan_required',
      rate_limited: 'rate_limited',
      concurrency: 'concurrency_limited',
      forbidden: 'insufficient_permission',
      exhausted: 'quota_exhausted',
      hidden: 'not_found',
      unavailable: 'unavailable',
    })
  })
})

describe('ViddyScribe answers what its handlers find out', () => {
  test.each([
    [
      viddyscribeErrors.queue_full(100),
      429,
      '{"error":"queue_limit_exceeded","message":"You have 100 jobs queued. Please wait for some to complete before submitting more."}',
    ],
    [
      viddyscribeErrors.upload_not_ready('processing'),
      409,
      '{"error":"Upload is still in progress. Please retry shortly.","code":"upload_not_ready","upload_status":"processing"}',
    ],
  ])('%#', ({ status, body }, expectedStatus, expected) => {
    expect([status, JSON.stringify(body)]).toEqual([expectedStatus, expected])
  })
})
