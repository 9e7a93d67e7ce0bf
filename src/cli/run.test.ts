import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { root, temporaryFolder } from '../../scripts/workspace.ts'
import { lockstep, smallProject, startLockstep } from '../../test/support/command-line.ts'

test('wrong usage ends with 64, and says what was meant', async () => {
  using folder = smallProject()
  const cases: [commandLine: string[], error: RegExp][] = [
    [['trian'], /^Error: {2}Unknown command 'trian'; did you mean train\?\nRemedy: See lockstep --help\.\nCode: {3}INVALID_ARGUMENT\n$/],
    [['train', 'visit', '--lables', 'a.csv'], /Unknown option '--lables'; did you mean --labels\?\nRemedy: See lockstep train --help\./],
    [['train', 'visit', '--labels', 'a.csv'], /Required option '--out <file>' not specified/],
    [['train', 'visit', '--labels', 'a', '--out', 'b', '--memory', '1 potato'], /"1 potato" is not a size\nRemedy: .*1GiB/],
    [['get', 'visit', '--as-of', 'yesterday'], /"yesterday" is not an ISO 8601 date or time\n/],
    [['describe'], /Missing required argument 'name'/],
    [['forget', 'user', 'user_id'], /"user_id" is not NAME=VALUE/],
    [['remove', 'view:visit@1', '--within', '1d'], /Callers of the last 30 days always count/],
    [['token', 'create', 'ann', '--principal', '--expires', 'soon'], /INVALID_DURATION/],
  ]
  for (const [commandLine, error] of cases) {
    const { code, stdout, stderr } = await lockstep(folder.path, ...commandLine)
    assert.deepEqual([code, stdout], [64, ''], commandLine.join(' '))
    assert.match(stderr, error)
  }
})

test('an empty key names no subject to forget', async () => {
  using project = smallProject()
  const { code, stderr } = await lockstep(project.path, 'forget', 'user', 'user_id=')
  assert.equal(code, 1)
  assert.match(stderr, /The key user_id is empty[\s\S]*INVALID_VALUE/)
})

test('with --json wrong usage is JSON on stderr', async () => {
  using folder = temporaryFolder()
  const { code, stderr } = await lockstep(folder.path, 'trian', '--json')
  assert.equal(code, 64)
  assert.deepEqual(JSON.parse(stderr), {
    error: { code: 'INVALID_ARGUMENT', message: "Unknown command 'trian'; did you mean train?", where: '', remedy: 'See lockstep --help.' },
  })
})

test('help and version are on stdout; nothing at all is wrong usage', async () => {
  using folder = temporaryFolder()
  const help = await lockstep(folder.path, 'train', '--help')
  assert.deepEqual([help.code, help.stderr], [0, ''])
  assert.match(help.stdout, /^Usage: lockstep train \[options\] <view>\n[\s\S]*\nExamples:\n {2}lockstep train /)
  assert.match((await lockstep(folder.path, '--version')).stdout, /^\d+\.\d+\.\d+\n$/)
  const nothing = await lockstep(folder.path)
  assert.deepEqual([nothing.code, nothing.stdout], [64, ''])
  assert.match(nothing.stderr, /^Usage: lockstep \[options\] \[command\]\n/)
})

test('a reader that goes away is no error', async () => {
  const child = spawn(process.execPath, ['--conditions=source', join(root, 'src/cli/main.ts'), '--help'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.destroy()
  let stderr = ''
  child.stderr.on('data', (text) => (stderr += text))
  assert.deepEqual([await new Promise((resolve) => child.on('close', resolve)), stderr], [0, ''])
})

test('interrupted before the work has begun, it says so too', async () => {
  using project = smallProject({
    'definitions.ts': "console.error('loading')\nawait new Promise((resolve) => setTimeout(resolve, 20_000))\n",
  })
  const { child, ended } = startLockstep(project.path, ['list', '--json'])
  await new Promise((resolve) => child.stderr?.once('data', resolve))
  child.kill('SIGTERM')
  const { code, stdout, stderr } = await ended
  assert.deepEqual([code, stdout], [130, ''])
  assert.equal(JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error.code, 'INTERRUPTED')
})
