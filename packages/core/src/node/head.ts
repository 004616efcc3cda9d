import type { OutgoingHttpHeader, ServerResponse } from 'node:http'

type Given = Readonly<Record<string, OutgoingHttpHeader | undefined>>

type WriteHead = (
  this: ServerResponse,
  status: number,
  reason?: string | Given | readonly OutgoingHttpHeader[],
  fields?: Given | readonly OutgoingHttpHeader[],
) => ServerResponse

/**
 * Adds fields to an answer of Node's server when its head is written. What it has by then stays as it is; only the carriers
 * are added to its `Vary`, because a cache that did not know of them would answer one caller for another.
 *
 * Nothing is set before, so that Node, and who stands in between, goes on with the record that it is given.
 */
export function addToHead(outgoing: ServerResponse, headers: Readonly<Record<string, string>>): void {
  const writeHead = outgoing.writeHead as WriteHead
  const added: WriteHead = (status, reason, fields) => {
    const isReason = typeof reason === 'string'
    const all = completed(outgoing, recordOf(isReason ? fields : (fields ?? reason)), headers)
    return isReason ? writeHead.call(outgoing, status, reason, all) : writeHead.call(outgoing, status, all)
  }
  outgoing.writeHead = added as ServerResponse['writeHead']
}

function completed(outgoing: ServerResponse, given: Given, headers: Readonly<Record<string, string>>): Given {
  // Not spread: of that the engine makes an object which takes twenty times as long to add to.
  const all: Record<string, OutgoingHttpHeader | undefined> = {}
  for (const name in given) all[name] = given[name]
  for (const name in headers) {
    const value = headers[name] as string
    const written = nameIn(given, name)
    const present = written === undefined ? outgoing.getHeader(name) : given[written]
    if (present === undefined) all[name] = value
    else if (name === 'Vary' && !covers(String(present), value)) all[written ?? name] = `${present}, ${value}`
  }
  return all
}

/** The name as it is written there. */
function nameIn(fields: Given, name: string): string | undefined {
  for (const written in fields) {
    if (written.length === name.length && written.toLowerCase() === name.toLowerCase()) return written
  }
  return undefined
}

/** Node takes a list too, of names and values in turn; a name may be there more than once. */
function recordOf(fields: Given | readonly OutgoingHttpHeader[] | undefined): Given {
  if (!Array.isArray(fields)) return (fields as Given | undefined) ?? {}
  const record: Record<string, OutgoingHttpHeader> = {}
  for (let i = 0; i < fields.length; i += 2) {
    const [name, value] = [String(fields[i]), fields[i + 1] as OutgoingHttpHeader]
    record[name] = name in record ? [record[name], value].flat().map(String) : value
  }
  return record
}

/** Whether a `Vary` names the carriers already. */
export function covers(vary: string, carriers: string): boolean {
  const members = vary
    .toLowerCase()
    .split(',')
    .map((member) => member.trim())
  const wanted = carriers.toLowerCase().split(', ')
  return members.includes('*') || wanted.every((carrier) => members.includes(carrier))
}
