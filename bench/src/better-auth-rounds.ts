import { betterAuthPeer } from './better-auth.ts'
import { answer } from './child.ts'
import { floorRow, peerRow } from './keys.ts'
import { prove, timeRows } from './rounds.ts'

const peer = await betterAuthPeer(1000)
const rows = [floorRow(peer.texts, peer.stranger), peerRow(peer)]
for (const row of rows) await prove(row, 0, -1)
answer(await timeRows(rows, { rounds: 15, count: 5000 }))
