import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { confirmOnTerminal } from './confirmed.ts'

test('on a terminal it goes on only after a yes; elsewhere, and where told to, without a question', async () => {
  const ask = async (answer: string, { yes = false, isTTY = true } = {}) => {
    const input = Object.assign(new PassThrough(), { isTTY })
    const output = Object.assign(new PassThrough(), { isTTY })
    input.write(`${answer}\n`)
    await confirmOnTerminal('Remove it?', { yes }, { input, output })
    return String(output.read() ?? '')
  }
  assert.match(await ask('y'), /Remove it\? \[y\/N\]/)
  assert.match(await ask('YES'), /Remove it/)
  for (const answer of ['', 'n', 'yesterday']) await assert.rejects(ask(answer), { code: 'INTERRUPTED' })
  assert.equal(await ask('n', { yes: true }), '')
  assert.equal(await ask('n', { isTTY: false }), '')
})
