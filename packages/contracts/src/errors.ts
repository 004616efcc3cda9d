import type { Answer } from '@latchkey/core'

/** What an API answers beside denials, in the envelope of its denials: a client reads every error in one way. */
export interface ErrorAnswers {
  /** A body or target that cannot be read. */
  readonly bad_request: Answer
  /** No such endpoint. Only for callers that are authenticated: who is not is told that first. */
  readonly not_found: Answer
  /** A bug. */
  readonly internal_error: Answer
}
