import { describe, expect, it } from 'vitest'
import { parseObject } from './parse-object.ts'

describe('parseObject', () => {
  it('reads an object', () => {
    expect({ ...parseObject(' {"a":1,\n"b":[{"a":2},{"a":3}],"c":{"a":"x","b":null}}\t') }).toEqual({
      a: 1,
      b: [{ a: 2 }, { a: 3 }],
      c: { a: 'x', b: null },
    })
  })

  it.each([
    ['an array', '[]'],
    ['an array of an object', '[{"a":1}]'],
    ['null', 'null'],
    ['a number', '1'],
    ['a text', '"a"'],
    ['true', 'true'],
    ['nothing', ''],
    ['what is no JSON', '{a:1}'],
    ['a comma at the end', '{"a":1,}'],
    ['a comment', '{"a":1}//'],
    ['two objects', '{}{}'],
    ['a byte-order mark', '\ufeff{"a":1}'],
    ['a no-break space', '\u00a0{"a":1}'],
    ['NaN', '{"a":NaN}'],
  ])('refuses %s', (_what, text) => {
    expect(parseObject(text)).toBeUndefined()
  })

  it.each([
    ['two equal names', '{"kid":"a","kid":"b"}'],
    ['two equal names with equal values', '{"kid":"a","kid":"a"}'],
    ['two equal names that are not neighbours', '{"kid":"a","x":{"y":[1,"2",{}]},"kid":"b"}'],
    ['equal names in a nested object', '{"a":{"kid":1,"kid":2}}'],
    ['equal names in an object of an array', '{"a":[1,{"kid":1,"kid":2}]}'],
    ['equal names deep down', `${'{"a":'.repeat(50)}{"b":1,"b":2}${'}'.repeat(50)}`],
    ['an escaped name', '{"kid":"a","\\u006bid":"b"}'],
    ['an escaped name first', '{"\\u006Bid":"a","kid":"b"}'],
    ['an escaped quote in the names', '{"a\\"b":1,"a\\u0022b":2}'],
    ['an escaped backslash at the end of the names', '{"a\\\\":1,"a\\\\":2}'],
    ['an empty name', '{"":1,"":2}'],
    ['two __proto__', '{"__proto__":1,"__proto__":2}'],
    ['white space before the colon', '{"a" \n\r\t:1,"a" :2}'],
  ])('refuses duplicate names: %s', (_what, text) => {
    expect(parseObject(text)).toBeUndefined()
  })

  it.each([
    ['the name as a value', '{"kid":"kid","x":"kid"}'],
    ['the name in sister objects', '{"a":{"kid":1},"b":{"kid":2},"kid":3}'],
    ['the name after an object closed', '{"a":{"b":1},"b":2}'],
    ['braces and colons in a text', '{"a":"{\\"a\\":1}","b":"}:{","c":"\\"a\\":"}'],
    ['names that differ in case', '{"kid":1,"Kid":2}'],
    ['names that differ in form alone', '{"\\u00e9":1,"e\\u0301":2}'],
  ])('takes %s', (_what, text) => {
    expect({ ...parseObject(text) }).toEqual(JSON.parse(text))
  })

  it('has none of the names of Object.prototype', () => {
    const object = parseObject('{"a":1}')
    expect(object).toBeDefined()
    expect(object?.toString).toBeUndefined()
    expect('constructor' in (object ?? {})).toBe(false)
  })

  it('gives nothing that could be written to, at any depth', () => {
    const value = parseObject('{"a":[{"b":{"c":1}}],"d":{}}') as { a: [{ b: object }]; d: object }
    expect([value, value.a, value.a[0], value.a[0].b, value.d].every(Object.isFrozen)).toBe(true)
  })

  it('reads __proto__ as a plain member', () => {
    const object = parseObject('{"__proto__":{"alg":"HS256"},"a":1}')
    expect(Object.keys(object ?? {})).toEqual(['__proto__', 'a'])
    expect(object?.alg).toBeUndefined()
  })

  it('reads deep nesting without running out of stack', () => {
    const depth = 4000
    expect(parseObject(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)).toBeDefined()
    expect(parseObject(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)).toBeDefined()
  })

  it('is linear in the length of the text', () => {
    const members = Array.from({ length: 1000 }, (_, i) => `"m${i}":"\\\\\\""`).join(',')
    expect(parseObject(`{${members}}`)).toBeDefined()
    expect(parseObject(`{${members},"m999":1}`)).toBeUndefined()
  })
})
