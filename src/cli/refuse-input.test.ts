import assert from 'node:assert/strict'
import { linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../scripts/workspace.ts'
import { csv, events } from '../definition/index.ts'
import { t } from '../schema/index.ts'
import { refuseInput } from './refuse-input.ts'

test('an output is not a file that is read: labels, or history of a source, under whatever name', () => {
  using folder = temporaryFolder()
  const at = (...parts: string[]) => join(folder.path, ...parts)
  mkdirSync(at('data'))
  for (const name of ['labels.csv', 'data/a.csv', 'moved.csv', 'out.csv']) writeFileSync(at(name), 'x')
  linkSync(at('labels.csv'), at('other.csv'))
  const columns = { user_id: t.string(), at: t.timestamp() }
  const clicks = events('clicks', { columns, time: 'at', history: csv(at('data', '*.csv')) })
  const refuse = (output: string, moved = {}) => refuseInput(at(output), at('labels.csv'), [clicks], moved)
  assert.throws(() => refuse('labels.csv'), /holds the labels/)
  assert.throws(() => refuse('other.csv'), /holds the labels/)
  assert.throws(() => refuse('data/a.csv'), { code: 'INVALID_ARGUMENT', message: /history of the source clicks/ })
  assert.throws(() => refuse('moved.csv', { clicks: csv(at('moved.csv')) }), /history of the source clicks/)
  refuse('out.csv')
  refuse('new.csv')
})
