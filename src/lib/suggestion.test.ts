import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closestName, suggestion } from './suggestion.ts'

test('the closest name is the one with the least edits, of which a swap is one', () => {
  const names = ['train', 'list', 'describe']
  for (const [typed, meant] of [
    ['trian', 'train'],
    ['tarin', 'train'],
    ['lst', 'list'],
    ['Lists', 'list'],
    ['descirbes', 'describe'],
    ['train', 'train'],
  ]) {
    assert.equal(closestName(typed as string, names), meant)
  }
  for (const typed of ['tria', 'get', '', 'descriptions']) assert.equal(closestName(typed, names), null, typed)
})

test('a suggestion names the closest, else what there is, at most ten', () => {
  assert.equal(suggestion('trian', ['train', 'list']), '; did you mean train?')
  assert.equal(suggestion('x', ['train', 'list']), '; there are train, list')
  assert.equal(suggestion('x', []), '')
  const many = Array.from({ length: 12 }, (_, index) => `name${index}`)
  assert.match(suggestion('x', many), /, name9, and 2 more$/)
})
