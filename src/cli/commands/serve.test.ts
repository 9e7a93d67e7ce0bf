import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { lockstep, smallProject, startLockstep } from '../../../test/support/command-line.ts'

describe('lockstep serve', { concurrency: 2 }, () => {
  for (const [what, options, told] of [
    ['a certificate that is not there', ['--certificate', 'nowhere.pem', '--key', 'nowhere.pem'], /^The file cannot be read: ENOENT/],
    ['a level of the log that there is not', ['--log', 'loud'], /'loud' is invalid\. It is one of silent, error, warn, info, debug\.$/],
    ['a limit that there is not', ['--limit', 'row=5'], /^There is no limit row; did you mean rows/],
    ['more rows than the API describes', ['--limit', 'rows=5000'], /^The limit rows is a whole number from 1 to 1000/],
  ] as const) {
    test(`refuses ${what}`, async () => {
      using project = smallProject()
      const { code, stderr } = await lockstep(project.path, 'serve', '--port', '0', '--json', ...options)
      const { error } = JSON.parse(stderr) as { error: { code: string; message: string } }
      assert.notEqual(code, 0)
      assert.equal(error.code, 'INVALID_ARGUMENT')
      assert.match(error.message, told)
    })
  }

  test('keeps to the limits given, warns of what is open, and at the level debug tells of each request in one line', async () => {
    using project = smallProject()
    const { child, ended } = startLockstep(project.path, [
      ...['serve', '--port', '0', '--host', '0.0.0.0', '--insecure', '--limit', 'rows=2', '--drain', '400', '--log', 'debug'],
    ])
    const [, url = ''] = await new Promise<RegExpExecArray>((resolve) => {
      child.stdout?.on('data', (text: string) => {
        const told = / on (http\S+)/.exec(text)
        if (told) resolve(told)
      })
    })
    const read = async (rows: number) =>
      await fetch(`${url}/v1/views/visit/vectors?secret=1`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'lockstep-caller': 'shop' },
        body: JSON.stringify({ rows: Array.from({ length: rows }, () => ({ user_id: 1 })) }),
      })
    const answer = (await (await read(2)).json()) as { read_id: string }
    assert.equal((await read(3)).status, 400)
    child.kill('SIGTERM')
    await setTimeout(150)
    assert.equal((await fetch(`${url}/ready`)).status, 503)
    const { stderr } = await ended
    const lines = stderr.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []))
    assert.match(String(lines.find(({ level }) => level === 40)?.msg), /^Other machines can read and write without a token/)
    assert.deepEqual(
      lines.filter(({ msg }) => msg === 'request').map(({ method, path, view, caller, status }) => [method, path, view, caller, status]),
      [
        ['POST', '/v1/views/visit/vectors', 'visit', 'shop', 200],
        ['POST', '/v1/views/visit/vectors', 'visit', 'shop', 400],
        ['GET', '/ready', '', '', 503],
      ],
    )
    assert.equal(lines.find(({ msg }) => msg === 'request')?.read_id, answer.read_id)
    assert.deepEqual(
      lines.filter(({ level }) => level === 50),
      [],
    )
    assert.doesNotMatch(stderr, /secret|incoming/)
  })

  test('ends with all of its processes where each gets the signal, as by Ctrl-C', async () => {
    using project = smallProject()
    const { child, ended } = startLockstep(project.path, ['serve', '--port', '0', '--processes', '2', '--drain', '300'])
    const workers = new Set<number>()
    child.stderr?.on('data', (text: string) => {
      for (const [, pid] of text.matchAll(/"pid":(\d+)/g)) workers.add(Number(pid))
    })
    while (workers.size < 2 && child.exitCode === null) await setTimeout(20)
    await setTimeout(200)
    for (const pid of [child.pid as number, ...workers]) process.kill(pid, 'SIGINT')
    const { code, signal, stderr } = await ended
    assert.deepEqual([code, signal], [0, null], stderr)
    assert.doesNotMatch(stderr, /Stopped/)
    assert.equal(stderr.match(/Closing/g)?.length, 2)
  })
})
