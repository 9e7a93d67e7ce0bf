import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { lockstep, smallProject, startLockstep } from '../../../test/support/command-line.ts'

describe('lockstep serve', { concurrency: 2 }, () => {
  for (const [what, options, told] of [
    ['a certificate that is not there', ['--certificate', 'nowhere.pem', '--key', 'nowhere.pem'], /^The file cannot be read: ENOENT/],
    ['a level of the log that there is not', ['--log', 'loud'], /'loud' is invalid\. It is one of silent, error, warn, info, debug\.$/],
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
