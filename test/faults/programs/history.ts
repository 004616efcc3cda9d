/** What a node has decided, in a file: rows of five numbers, so that millions of them cost little. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

export const OUTCOMES = ['allowed', 'denied', 'unavailable'] as const
export type Outcome = (typeof OUTCOMES)[number]

export interface Verify {
  readonly node: string
  readonly subject: number
  /** Milliseconds of `clock`. */
  readonly begin: number
  readonly end: number
  readonly outcome: Outcome
  /** It was answered without a promise. */
  readonly atOnce: boolean
}

export interface History {
  note(verify: Omit<Verify, 'node'>): void
  /** Writes what is still to be written. */
  flush(): void
  close(): void
}

const COLUMNS = 5
const ROWS = 4096

export function openHistory(path: string): History {
  const file = openSync(path, 'a')
  const rows = new Float64Array(ROWS * COLUMNS)
  let length = 0

  function flush(): void {
    writeSync(file, new Uint8Array(rows.buffer, 0, length * rows.BYTES_PER_ELEMENT))
    length = 0
  }

  return {
    note({ subject, begin, end, outcome, atOnce }) {
      rows[length++] = subject
      rows[length++] = begin
      rows[length++] = end
      rows[length++] = OUTCOMES.indexOf(outcome)
      rows[length++] = atOnce ? 1 : 0
      if (length === rows.length) flush()
    },
    flush,
    close() {
      flush()
      closeSync(file)
    },
  }
}

export function* readHistory(path: string, node: string): Generator<Verify> {
  const bytes = readFileSync(path)
  const rows = new Float64Array(Math.floor(bytes.length / Float64Array.BYTES_PER_ELEMENT))
  // A copy: Node's small buffers do not begin where a number may.
  new Uint8Array(rows.buffer).set(bytes.subarray(0, rows.byteLength))
  for (let i = 0; i + COLUMNS <= rows.length; i += COLUMNS) {
    const [subject = 0, begin = 0, end = 0, outcome = 0, atOnce] = rows.subarray(i, i + COLUMNS)
    yield { node, subject, begin, end, outcome: OUTCOMES[outcome] ?? 'unavailable', atOnce: atOnce === 1 }
  }
}
