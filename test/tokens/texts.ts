import fc from 'fast-check'

/** Any text of whole code points. */
export const anyText = fc.string({ unit: 'binary', maxLength: 40 })

/** Any text, of units that need not pair. */
export const brokenText = fc.array(fc.nat(0xffff), { maxLength: 20 }).map((units) => String.fromCharCode(...units))
