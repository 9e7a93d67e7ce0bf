import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../scripts/run.ts'
import { root, temporaryProject } from '../scripts/workspace.ts'
import { Server } from '../src/server/index.ts'
import { openStore } from '../src/store/index.ts'

const page = readFileSync(join(root, 'docs', 'guide', 'serving.md'), 'utf8')
const blocks = [...page.matchAll(/^```(\S+)(.*)\n([\s\S]*?)^```$/gm)].map(([, language, words, text]) => ({
  language,
  words,
  text: text ?? '',
}))
const examples = blocks.flatMap(({ language, text }, place) => {
  const next = blocks[place + 1]
  return language === 'sh' && text.startsWith('curl') ? [{ command: text, answer: next?.language === 'json' ? next.text : null }] : []
})

test('the requests of docs/guide/serving.md are answered as it says', async () => {
  using project = temporaryProject()
  const definitions = blocks.find(({ words }) => words?.includes('file=definitions.ts'))?.text ?? assert.fail('no definitions')
  mkdirSync(join(project.path, 'store'))
  writeFileSync(join(project.path, 'definitions.ts'), definitions)
  const now = '2026-03-01T12:00:00Z'
  const folder = join(project.path, 'store')
  await using store = await openStore({ definitions: join(project.path, 'definitions.ts'), folder, clock: () => new Date(now) })
  await store.materialize()
  await using server = await Server.start(store, { log: 'silent' })
  assert.equal(examples.length, 4)
  for (const { command, answer } of examples) {
    const { code, stdout, stderr } = await run('sh', ['-c', command.replaceAll('http://127.0.0.1:8080', server.url)], { cwd: project.path })
    assert.equal(code, 0, stderr)
    const given = JSON.parse(stdout) as { read_id?: string; error?: unknown }
    if (answer === null) assert.equal(given.error, undefined, stdout)
    else assert.deepEqual(given.read_id === undefined ? given : { ...given, read_id: '…' }, JSON.parse(answer), command)
  }
})
