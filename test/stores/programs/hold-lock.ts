/** Holds an SQLite file's lock until its input ends: `write` keeps other writers out, `all` readers too. */
import Libsql from 'libsql'

const [path = '', which] = process.argv.slice(2)
const database = new Libsql(path)
// In WAL mode readers are never kept out; and the mode changes only while nobody else has the file open.
if (which === 'all') database.prepare('pragma journal_mode = delete').all()
database.exec('begin exclusive')
console.log('held')
process.stdin.on('end', () => process.exit()).resume()
