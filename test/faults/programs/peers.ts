/** Nodes tell each other what they have just changed, past everything else: a request is to follow within milliseconds. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

export interface Peers {
  /** Where this node hears it, on the loopback interface. */
  readonly port: number
  /** Where the others hear it, in place of those that were known before. */
  know(ports: readonly number[]): Promise<void>
  /** One that is stopped hears it when it goes on. */
  tell(subject: number): void
}

const HOST = '127.0.0.1'

export async function openPeers(hear: (subject: number) => void): Promise<Peers> {
  const ear = createSocket('udp4', (message) => hear(message.readUInt32LE()))
  ear.bind(0, HOST)
  await once(ear, 'listening')
  let ways: readonly Socket[] = []

  return {
    port: ear.address().port,
    async know(ports) {
      for (const way of ways) way.close()
      ways = await Promise.all(ports.map(wayTo))
    },
    tell(subject) {
      const message = Buffer.alloc(4)
      message.writeUInt32LE(subject)
      for (const way of ways) way.send(message)
    },
  }
}

/** Connected: a socket that is not looks for the address each time, which takes it a turn of the event loop. */
async function wayTo(port: number): Promise<Socket> {
  const way = createSocket('udp4')
  // A node that was killed hears nothing any more.
  way.on('error', () => {})
  way.connect(port, HOST)
  await once(way, 'connect')
  return way
}
