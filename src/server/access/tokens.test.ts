import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { systemClock } from '../../lib/clock.ts'
import { momentMicros } from '../../lib/moment.ts'
import { TokenFile } from './tokens.ts'

const root = mkdtempSync(join(tmpdir(), 'lockstep-tokens-'))
after(() => rmSync(root, { recursive: true }))
const freshPath = () => join(mkdtempSync(join(root, 'folder-')), 'access', 'tokens.json')
const day = 86_400_000_000

test('a token is found by its text, and its text is nowhere in the file', async () => {
  const path = freshPath()
  const file = TokenFile.open(path)
  assert.deepEqual(file.list(), [])
  const { token, text } = await file.create({ name: 'web', scopes: ['read:ranking', 'push:clicks', 'read:ranking'], rate: 50 })
  assert.match(text, /^lockstep_[0-9a-f]{16}_[0-9a-f]{64}$/)
  assert.deepEqual(
    [token.name, token.scopes, token.rate, token.expires, token.revoked],
    ['web', ['read:ranking', 'push:clicks'], 50, null, null],
  )
  assert.deepEqual(file.find(text), token)
  assert.deepEqual(TokenFile.open(path).find(text), token)
  assert.deepEqual(TokenFile.open(path).list(), [token])
  const [, , secret = ''] = text.split('_')
  assert.ok(!readFileSync(path, 'utf8').includes(secret))
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(join(path, '..')).sort(), ['tokens.json', 'tokens.json.lock'])
})

test('wrong texts are no token', async () => {
  const file = TokenFile.open(freshPath())
  const [a, b] = [await file.create({ name: 'a', scopes: ['admin'] }), await file.create({ name: 'b', scopes: ['admin'] })]
  const [, idA, secretA] = a.text.split('_')
  const [, idB] = b.text.split('_')
  const wrong = ['', 'lockstep', a.token.id, `lockstep_${idB}_${secretA}`, `lockstep_${idA}_${'0'.repeat(64)}`, ` ${a.text}`, `${a.text}0`]
  for (const text of [...wrong, `lockstep_${'0'.repeat(16)}_${secretA}`, `lockstep_${idA}_`]) assert.equal(file.find(text), null, text)
  assert.equal(file.find(a.text)?.name, 'a')
})

test('expired and revoked tokens are no token', async () => {
  let now = momentMicros('2026-03-01')
  const path = freshPath()
  const file = TokenFile.open(path, { ...systemClock, now: () => now })
  const { token, text } = await file.create({ name: 'web', scopes: ['admin'], expires: now + day })
  const other = await file.create({ name: 'other', scopes: ['admin'] })
  now += day - 1
  assert.equal(file.find(text)?.id, token.id)
  now += 1
  assert.deepEqual([file.find(text), file.find(other.text)?.id, file.isValid(token)], [null, other.token.id, false])
  assert.equal((await file.revoke(other.token.id)).revoked, now)
  assert.equal(file.find(other.text), null)
  now += day
  assert.equal((await file.revoke(other.token.id)).revoked, now - day, 'it stays revoked from then on')
  assert.deepEqual(
    file
      .list()
      .map(({ name }) => name)
      .sort(),
    ['other', 'web'],
  )
  await assert.rejects(file.revoke('0123456789abcdef'), { code: 'UNKNOWN_NAME' })
})

test('a scope allows what it says and nothing else', async () => {
  const file = TokenFile.open(freshPath())
  const allowed = async (...scopes: string[]) => {
    const { token } = await file.create({ name: 'one', scopes })
    const asked = [['read', 'ranking'], ['read', 'offer'], ['push', 'clicks'], ['push', 'ranking'], ['write', 'users'], ['admin']] as const
    return asked.filter(([operation, name]) => file.allows(token, operation, name)).map((each) => each.join(':'))
  }
  assert.deepEqual(await allowed('read:ranking'), ['read:ranking'])
  assert.deepEqual(await allowed('read:*'), ['read:ranking', 'read:offer'])
  assert.deepEqual(await allowed('push:*'), ['push:clicks', 'push:ranking'])
  assert.deepEqual(await allowed('write:users', 'push:clicks'), ['push:clicks', 'write:users'])
  assert.deepEqual(await allowed('admin'), ['admin'])
})

test('what makes no sense is refused', async () => {
  const file = TokenFile.open(freshPath())
  const wrong: [Parameters<TokenFile['create']>[0], RegExp][] = [
    [{ name: '', scopes: ['admin'] }, /needs a name/],
    [{ name: 'a', scopes: [] }, /needs a scope/],
    [{ name: 'a', scopes: ['read'] }, /"read" is not a scope/],
    [{ name: 'a', scopes: ['read:a b'] }, /is not a scope/],
    [{ name: 'a', scopes: ['delete:ranking'] }, /is not a scope/],
    [{ name: 'a', scopes: ['admin:*'] }, /is not a scope/],
    [{ name: 'a', scopes: ['admin'], expires: 1 }, /expire in the future/],
    [{ name: 'a', scopes: ['admin'], rate: 0 }, /rate 0/],
  ]
  for (const [given, message] of wrong) await assert.rejects(file.create(given), { code: 'INVALID_ARGUMENT', message })
  assert.deepEqual(file.list(), [])
})

test('what another process changes counts within a second', async () => {
  const path = freshPath()
  const [one, other] = [TokenFile.open(path), TokenFile.open(path)]
  const { token, text } = await other.create({ name: 'late', scopes: ['admin'] })
  assert.equal(one.find(text), null, 'the file is not looked at for every request')
  await setTimeout(600)
  assert.equal(one.find(text)?.id, token.id)
  await other.revoke(token.id)
  await setTimeout(600)
  assert.equal(one.find(text), null)
})

test('a file that was tampered with lets nobody in, and says so, until it is mended', async () => {
  const path = freshPath()
  const file = TokenFile.open(path)
  const { token, text } = await file.create({ name: 'web', scopes: ['read:ranking'] })
  const sound = readFileSync(path, 'utf8')
  const broken = [
    'nothing',
    '{}',
    sound.slice(0, -20),
    sound.replace('"read:ranking"', '"everything"'),
    sound.replace(/"hash": "[0-9a-f]{2}/, '"hash": "'),
    sound.replace(/"expires": null/, '"expires": "soon"'),
  ]
  for (const content of broken) {
    assert.notEqual(content, sound)
    writeFileSync(path, content)
    assert.throws(() => TokenFile.open(path), { code: 'STORE_CORRUPT' }, content)
  }
  await setTimeout(600)
  assert.throws(() => file.find(text), { code: 'STORE_CORRUPT' })
  assert.throws(() => file.find(text), { code: 'STORE_CORRUPT' })
  await assert.rejects(file.create({ name: 'new', scopes: ['admin'] }), { code: 'STORE_CORRUPT' })
  // Another hash: the token is no token any more.
  writeFileSync(path, sound.replace(/"hash": "[0-9a-f]{4}/, '"hash": "ffff'))
  assert.deepEqual([file.find(text), file.list().length], [null, 1])
  writeFileSync(path, sound)
  await setTimeout(600)
  assert.equal(file.find(text)?.id, token.id)
  rmSync(path)
  await setTimeout(600)
  assert.equal(file.find(text), null)
})

test('processes that make tokens at once lose none', async () => {
  const path = freshPath()
  const source = `import { TokenFile } from ${JSON.stringify(new URL('./tokens.ts', import.meta.url).href)}
const file = TokenFile.open(${JSON.stringify(path)})
for (let place = 0; place < 5; place++) console.log((await file.create({ name: process.argv[1] + place, scopes: ['admin'] })).text)`
  const make = (name: string) => promisify(execFile)(process.execPath, ['--input-type=module-typescript', '--eval', source, name])
  const file = TokenFile.open(path)
  const [one, other] = await Promise.all([
    make('a'),
    make('b'),
    ...Array.from({ length: 5 }, (_, place) => file.create({ name: `c${place}`, scopes: ['admin'] })),
  ])
  const texts = [one, other].flatMap((made) => (made as { stdout: string }).stdout.trim().split('\n'))
  const names = (prefix: string) => Array.from({ length: 5 }, (_, place) => `${prefix}${place}`)
  assert.deepEqual(
    TokenFile.open(path)
      .list()
      .map(({ name }) => name)
      .sort(),
    [...names('a'), ...names('b'), ...names('c')],
  )
  const again = TokenFile.open(path)
  assert.deepEqual(texts.map((text) => again.find(text)?.name).sort(), [...names('a'), ...names('b')])
})
