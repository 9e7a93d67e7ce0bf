import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { cliPagePath, helpTexts, withHelp } from '../scripts/make-cli-page.ts'

const page = readFileSync(cliPagePath, 'utf8')
const texts = helpTexts()

test('docs/reference/cli.md holds what --help prints', () => {
  assert.equal(page, withHelp(page, texts), 'Run `npm run docs:cli`')
})

test('every command has a section with its help, which has examples', () => {
  for (const [name, text] of texts) {
    assert.ok(page.includes(`\`\`\`text help=${name}\n`), `${name} is missing`)
    assert.match(text, /\nExamples:\n {2}lockstep /, name)
    if (name !== 'lockstep') assert.ok(page.includes(`\n## ${name}\n`), name)
  }
})
