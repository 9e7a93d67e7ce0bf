import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { reader, readSome, record, text } from '../../../testing/event-log-records.ts'
import { isErased } from '../../erased.ts'
import type { LogRecord } from '../../log.ts'
import { segmentsEventLog } from '../segments.ts'

const holds = async (folder: string, word: string): Promise<string[]> => {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const read = await Promise.all(names.map(async ({ parentPath, name }) => [name, await readFile(join(parentPath, name))] as const))
  return read.filter(([, bytes]) => bytes.includes(word)).map(([name]) => name)
}

test('erased records keep their places and say nothing; those who have the log open go on', async () => {
  const path = await mkdtemp(join(tmpdir(), 'lockstep-segments-'))
  const open = () => segmentsEventLog({ path, segmentBytes: 2000 })
  const [log, other] = [open(), open()]
  try {
    await log.createTopic('t', 2)
    const add = (at: number, by = log) => by.append('t', [record(null, `${at} of ${at % 7 === 3 ? 'mallory' : 'alice'}`, at % 2)])
    for (let at = 0; at < 200; at++) await add(at, at % 3 === 0 ? other : log)
    const behind = await reader(other, 't', { group: 'behind' })
    const early = await readSome(behind, 5, 5)
    const mallory = ({ value }: LogRecord) => text(value)?.includes('mallory') ?? false
    const looked = await log.erase?.('t', mallory, true)
    assert.equal(looked?.records, 29)
    assert.ok((await holds(path, 'mallory')).length > 3, 'looking changes nothing')
    assert.deepEqual(await log.erase?.('t', mallory), looked)
    assert.deepEqual(await holds(path, 'mallory'), [])
    assert.equal((await log.erase?.('t', mallory))?.records, 0)

    for (let at = 200; at < 240; at++) await add(at, at % 2 === 0 ? other : log)
    const rest = await readSome(behind, 235)
    const offsets = [0, 1].map((partition) => [...early, ...rest].filter((one) => one.partition === partition).map(({ offset }) => offset))
    assert.deepEqual(
      offsets,
      [0, 1].map(() => Array.from({ length: 120 }, (_, offset) => offset)),
      'no offset is missing, none twice',
    )
    const whole = segmentsEventLog({ path })
    const all = await readSome(await reader(whole, 't', { group: 'later' }), 240)
    assert.equal(all.filter(isErased).length, 29)
    assert.equal(all.filter((one) => text(one.value)?.endsWith('of alice')).length, 206)
    await whole.close()
  } finally {
    await log.close()
    await other.close()
    await rm(path, { recursive: true })
  }
})
