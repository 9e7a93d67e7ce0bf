import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { run } from '../scripts/run.ts'
import { temporaryFolder } from '../scripts/workspace.ts'
import { count, featureGroup, featureView } from '../src/definition/index.ts'
import { memoryOnlineStore } from '../src/online/drivers/memory.ts'
import { Server } from '../src/server/index.ts'
import { openStore } from '../src/store/index.ts'
import { lockstep, smallProject, startLockstep } from './support/command-line.ts'
import { clicks, servedStore, userClicks } from './support/served-store.ts'

const isLockstepError = (code: string) => (error: Error & { code?: string }) => error.code === code

describe('a server starts', () => {
  test('only where the online store holds rows of the same definitions', async () => {
    await using served = await servedStore({}, { online: 'lmdb' })
    await served.server.close()
    await served.store.close()
    const { name, entity } = userClicks
    const changed = featureGroup({ name, entity, source: clicks, features: () => ({ user_click_count_1h: count().over('2h') }) })
    const view = featureView({ name: 'visitor', features: [changed] })
    await using store = await openStore({ definitions: [view, changed], folder: served.folder })
    await assert.rejects(Server.start(store, { log: 'silent' }), isLockstepError('DEFINITION_MISMATCH'))
  })

  test('on a port that is free', async () => {
    await using served = await servedStore()
    const { port } = new URL(served.server.url)
    await assert.rejects(Server.start(served.store, { log: 'silent', port: Number(port) }), isLockstepError('INVALID_ARGUMENT'))
  })

  test('for other machines with tokens, or where it is said that it is insecure', async () => {
    await using served = await servedStore()
    const start = (options: object) => Server.start(served.store, { log: 'silent', host: '0.0.0.0', ...options })
    await assert.rejects(start({ tokens: false }), isLockstepError('INVALID_ARGUMENT'))
    const status = async (server: Server) => (await fetch(`http://127.0.0.1:${new URL(server.url).port}/v1/views`)).status
    await using closed = await start({})
    assert.equal(await status(closed), 401)
    await using open = await start({ insecure: true })
    assert.equal(await status(open), 200)
    for (const host of ['127.0.0.1', 'localhost']) {
      await using own = await Server.start(served.store, { log: 'silent', host })
      assert.equal(await status(own), 200, host)
    }
  })

  test('with a certificate', async () => {
    using folder = temporaryFolder()
    const [key, certificate] = [join(folder.path, 'key.pem'), join(folder.path, 'certificate.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const made = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      certificate,
    ]
    const { code, stderr } = await run('openssl', [...made, ...subject], { cwd: folder.path })
    assert.equal(code, 0, stderr)
    const tls = { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
    await using served = await servedStore({ tls })
    assert.match(served.server.url, /^https:/)
    const status = await new Promise((resolve, reject) => {
      httpsRequest(`${served.server.url}/v1/views`, { ca: tls.certificate, agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
    assert.equal(status, 200)
  })
})

test('a server is ready once what it waits for is there', async () => {
  let filled = () => {}
  const after = new Promise<void>((resolve) => {
    filled = resolve
  })
  await using served = await servedStore({ after })
  const { status, body } = await served.send('/ready')
  assert.deepEqual([status, body.error.message], [503, 'The server is starting'])
  assert.equal((await served.read('visitor', { keys: { user_id: 'ada' } })).status, 200)
  filled()
  await after
  assert.equal((await served.send('/ready')).status, 200)
})

describe('a server that closes', () => {
  test('answers what is under way, and says before that it is not ready', async () => {
    const inner = memoryOnlineStore()
    const { readSync: _none, ...store } = inner
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await using served = await servedStore({ drain: 300 }, { online: { ...store, read: (reads) => held.then(() => inner.read(reads)) } })
    // Nothing is left open where an assertion fails.
    using _released = { [Symbol.dispose]: release }
    const underWay = served.read('visitor', { keys: { user_id: 'ada' } })
    await setTimeout(50)
    assert.equal((await served.send('/ready')).status, 200)
    const closed = served.server.close()
    const { status, body } = await served.send('/ready')
    assert.deepEqual([status, body.error.code], [503, 'NOT_READY'])
    assert.equal((await served.send('/health')).status, 200)
    await setTimeout(500)
    await assert.rejects(served.send('/health'), /fetch failed/, 'connections are refused')
    release()
    assert.equal((await underWay).status, 200)
    await closed
  })
})

describe('lockstep serve', { concurrency: 1 }, () => {
  /** Starts it, and answers the url that it prints. */
  async function started(project: string, ...options: string[]) {
    const process = startLockstep(project, ['serve', '--port', '0', ...options])
    const [text = ''] = (await Promise.race([
      once(process.child.stdout as NodeJS.ReadableStream, 'data'),
      process.ended.then(() => []),
    ])) as [string?]
    const url = /http:\S+/.exec(text)?.[0]
    if (url === undefined) process.child.kill('SIGKILL')
    const end = async () => {
      process.child.kill('SIGTERM')
      return await process.ended
    }
    return { text, url: url ?? assert.fail((await process.ended).stderr), end, [Symbol.asyncDispose]: async () => void (await end()) }
  }
  const post = (url: string, body: object, headers: Record<string, string> = {}) =>
    fetch(url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } })

  test('two processes share a port, and end with code 0', async () => {
    using project = smallProject()
    assert.equal((await lockstep(project.path, 'materialize', '--as-of', '2026-03-01T11:20:00Z')).code, 0)
    await using server = await started(project.path, '--processes', '2')
    assert.match(server.text, /^Serving .*visit@1.* by 2 processes\n$/)
    const reads = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const response = await post(`${server.url}/v1/views/visit/vectors`, { keys: { user_id: 1 }, as_of: '2026-03-01T11:20:00Z' })
        const { read_id: id, rows } = (await response.json()) as { read_id: string; rows: { values: unknown[] }[] }
        return { process: id.split('-')[0], first: rows[0]?.values[0] }
      }),
    )
    assert.deepEqual(new Set(reads.map(({ first }) => first)), new Set([2]))
    assert.equal(new Set(reads.map(({ process }) => process)).size, 2)
    const { code, signal, stderr } = await server.end()
    assert.deepEqual([code, signal], [0, null], stderr)
  })

  test('no token is in its log, whatever is asked', async () => {
    using project = smallProject()
    const created = await lockstep(project.path, 'token', 'create', 'web', '--scope', 'read:visit')
    const token = /lockstep_[0-9a-f]{16}_[0-9a-f]{64}/.exec(created.stdout)?.[0] ?? assert.fail(created.stdout)
    const secret = token.split('_')[2] as string
    await using server = await started(project.path, '--tokens', '--log', 'debug')
    const authorization = `Bearer ${token}`
    const sent = [
      await post(`${server.url}/v1/views/visit/vectors`, { keys: { user_id: 1 } }, { authorization }),
      await post(`${server.url}/v1/views/visit/vectors`, { keys: 5 }, { authorization }),
      await post(`${server.url}/v1/views/offer/vectors`, { keys: { user_id: 1 } }, { authorization }),
      await post(`${server.url}/v1/views/visit/vectors`, {}, { authorization: `Bearer ${token}0` }),
      await post(`${server.url}/nowhere`, {}, { authorization }),
    ]
    assert.deepEqual(
      sent.map(({ status }) => status),
      [200, 400, 403, 401, 404],
    )
    for (const response of sent) assert.doesNotMatch(await response.text(), new RegExp(secret))
    const { code, stdout, stderr } = await server.end()
    assert.equal(code, 0, stderr)
    const logged = /"method":"POST","path":"/g
    assert.equal(stderr.match(logged)?.length, sent.length, 'requests are logged, on stderr')
    assert.doesNotMatch(stdout, logged)
    assert.doesNotMatch(stdout + stderr, new RegExp(secret))
  })
})
