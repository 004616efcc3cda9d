/** The bodies that the documents promise, with what is another in every answer masked. */
export const GENERATED =
  '{"success":true,"data":{"id":"gen_UUID","content":"You said: Hello, world!","model":"gpt-4",' +
  '"usage":{"prompt_tokens":13,"completion_tokens":23},"created":NOW}}'
export const INVALID_API_KEY =
  '{"success":false,"error":{"code":"INVALID_API_KEY","message":"The provided API key is invalid",' +
  '"details":{"key_id":"key_ID"}}}'
export const EXPIRED_API_KEY =
  '{"success":false,"error":{"code":"EXPIRED_API_KEY","message":"The API key has expired",' +
  '"details":{"expired_at":"2024-01-01T00:00:00Z"}}}'
export const MISSING_API_KEY =
  '{"success":false,"error":{"code":"MISSING_API_KEY","message":"API key is required",' +
  '"details":{"header":"Authorization"}}}'

export const RESULTS = '{"job_id":"task_123","status":"completed"}'
export const NO_RESULTS = '{"error":"not_found","message":"Media or job not found"}'
export const VIDDYSCRIBE_UNAUTHORIZED = '{"error":"unauthorized","message":"Invalid or missing API key"}'

export const CREDITS =
  '{"credits":{"remainingCreditsThisPeriod":42,"usedCreditsThisPeriod":8,"periodStart":"MONTH","periodEnd":"MONTH"}}'
export const NO_CREDITS =
  '{"credits":{"remainingCreditsThisPeriod":0,"usedCreditsThisPeriod":50,"periodStart":"MONTH","periodEnd":"MONTH"}}'
export const UNAUTHENTICATED =
  '[{"message":"Authentication error: missing or invalid API key.","extensions":{"code":"UNAUTHENTICATED"}}]'
