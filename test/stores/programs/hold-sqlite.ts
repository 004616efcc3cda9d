/** Holds the write lock of the SQLite files that come in lines, for so many milliseconds each. */
import { createInterface } from 'node:readline'
import { setTimeout as pass } from 'node:timers/promises'
import Libsql from 'libsql'

for await (const line of createInterface(process.stdin)) {
  const { path, milliseconds } = JSON.parse(line) as { readonly path: string; readonly milliseconds: number }
  const database = new Libsql(path)
  database.exec('begin immediate')
  console.log('held')
  await pass(milliseconds)
  database.exec('commit')
  database.close()
  console.log('released')
}
