import { describe, expect, it } from 'vitest'
import { printableUrl, withoutSecrets } from './store-url.ts'

describe('printableUrl', () => {
  it.each([
    ['memory:', 'memory:'],
    ['sqlite:keys.db', 'sqlite:keys.db'],
    ['sqlite:/home/me@work/keys.db', 'sqlite:/home/me@work/keys.db'],
    ['postgres://db.example/keys', 'postgres://db.example/keys'],
    ['postgres://app@db.example/keys', 'postgres://app@db.example/keys'],
    [
      'postgres://app:hunter2@db.example:5432/keys?sslmode=require',
      'postgres://app@db.example:5432/keys?sslmode=require',
    ],
    ['postgresql://:hunter2@db.example/keys', 'postgresql://db.example/keys'],
    ['redis://:hunter2@cache.example', 'redis://cache.example'],
    // Not encoded as they should be: a parser would show a part of them.
    ['postgres://app:hun@ter2@db.example/keys', 'postgres://app@db.example/keys'],
    ['postgres://app:hun#ter2@db.example/keys', 'postgres://app@db.example/keys'],
    ['postgres://app:hun/ter?2@db.example/keys', 'postgres://app@db.example/keys'],
    ['postgres://app:hun\nter2@db.example/keys', 'postgres://app@db.example/keys'],
    ['postgres://db.example/keys?user=app&password=hunter2&x=1', 'postgres://db.example/keys?user=app&password=…&x=1'],
    ['postgres://db.example/keys?sslpassword=hunter2', 'postgres://db.example/keys?sslpassword=…'],
    ['libsql://db.example?authToken=hunter2', 'libsql://db.example?authToken=…'],
    // No scheme: nobody knows which part is the password.
    ['app:hunter2@db.example/keys', 'db.example/keys'],
    ['postgres:app:hunter2@db.example/keys', 'db.example/keys'],
  ])('writes %s as %s', (url, printed) => {
    expect(printableUrl(url)).toBe(printed)
  })
})

describe('withoutSecrets', () => {
  const URL = 'postgres://app:p%40ss%2Fword@db.example/keys?sslpassword=hunter2'

  it.each([
    [`cannot connect to ${URL}`, 'cannot connect to postgres://app@db.example/keys?sslpassword=…'],
    ['login app:p@ss/word failed', 'login app:… failed'],
    ['login app:p%40ss%2Fword failed', 'login app:… failed'],
    ['sslpassword hunter2 is wrong', 'sslpassword … is wrong'],
    ['connection refused', 'connection refused'],
  ])('writes %j as %j', (message, printed) => {
    expect(withoutSecrets(message, URL)).toBe(printed)
  })

  it('takes a password that is no percent-encoding as it is written', () => {
    expect(withoutSecrets('login with 100%sure failed', 'postgres://app:100%sure@db/keys')).toBe('login with … failed')
  })

  it('leaves errors of other stores as they are', () => {
    expect(withoutSecrets('unable to open keys.db', 'sqlite:keys.db')).toBe('unable to open keys.db')
  })
})
