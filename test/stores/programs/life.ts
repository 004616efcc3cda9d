/** What the program `lifecycle` and who starts it tell each other. */

/** What the program is started with, in one line. */
export interface Life {
  readonly url: string
  readonly masterKey: string
  /** Takes the place of the first one. */
  readonly nextMasterKey: string
  readonly pepper: string
}

/** Told on the fourth pipe, in a line each. */
export interface Told {
  readonly what: string
  readonly text: string
  /** What it begins with that everybody may see. */
  readonly shown: string
}

/** Told last: the store is still open then, until the program is sent another line. */
export const DONE = 'done'
