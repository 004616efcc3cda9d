import { describe, expect, it } from 'vitest'
import { clientIp, networkOf } from './client-ip.ts'

describe('networkOf', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    [' 192.0.2.1 ', '192.0.2.1'],
    ['192.0.2.1:4711', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['[::ffff:192.0.2.1]:4711', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['::192.0.2.1', '0:0:0:0::/64'],
  ])('of %s is %s', (text, network) => {
    expect(networkOf(text)).toBe(network)
  })

  it.each([
    '',
    ' ',
    'unknown',
    '_hidden',
    'localhost',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.1.1',
    '1',
    '0x7f.1',
    '2001:db8::1::2',
    '2001:db8:1:2:3:4:5',
    '::ffff:192.0.2.256',
    'g::1',
    '[::1]evil',
    '192.0.2.1, 192.0.2.2',
    '::1/64',
  ])('of %j is nothing', (text) => {
    expect(networkOf(text)).toBeUndefined()
  })
})

describe('clientIp', () => {
  const fields = (line?: string) => ({ get: (name: string) => (name === 'X-Forwarded-For' ? line : undefined) })

  it('is the peer’s where no proxy is trusted, whatever the field says', () => {
    expect(clientIp(fields('192.0.2.9'), '198.51.100.1', 0)).toBe('198.51.100.1')
  })

  it.each([
    ['192.0.2.9', 1, '192.0.2.9'],
    ['6.6.6.6, 192.0.2.9', 1, '192.0.2.9'],
    ['6.6.6.6, 192.0.2.9, 10.0.0.1', 2, '192.0.2.9'],
    ['6.6.6.6,192.0.2.9,10.0.0.1,10.0.0.2', 3, '192.0.2.9'],
    ['6.6.6.6, 2001:db8:1:2::9', 1, '2001:db8:1:2::/64'],
  ])('of %s behind %i hops is %s: counted from the right', (line, hops, ip) => {
    expect(clientIp(fields(line), '10.0.0.9', hops)).toBe(ip)
  })

  it.each([
    ['too few entries', '6.6.6.6', 2],
    ['no field', undefined, 1],
    ['an empty field', '', 1],
    ['an entry that is no address', '192.0.2.9, unknown', 1],
  ])('is the peer’s with %s', (_what, line, hops) => {
    expect(clientIp(fields(line), '198.51.100.1', hops)).toBe('198.51.100.1')
  })

  it('is a text, or somebody has made a mistake: nobody waits for a promise', () => {
    expect(() => clientIp(fields(), Promise.resolve('192.0.2.9') as unknown as string, 0)).toThrow(
      new TypeError('the address of who is connected must be a text'),
    )
  })

  it('is not known where nobody knows the peer', () => {
    expect(clientIp(fields('6.6.6.6'), undefined, 0)).toBeUndefined()
    expect(clientIp(fields(), undefined, 1)).toBeUndefined()
    expect(clientIp(fields('192.0.2.9'), undefined, 1)).toBe('192.0.2.9')
  })
})
