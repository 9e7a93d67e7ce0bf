import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPairs, formatTable } from './table.ts'

test('columns are as wide as their widest cell, by code points; numbers stand to the right', () => {
  const rows = [
    { name: 'a', count: 1 },
    { name: 'größer\nals 😀', count: 1000 },
  ]
  const table = formatTable(rows, [
    { title: 'name', value: ({ name }) => name },
    { title: 'n', align: 'right', value: ({ count }) => String(count) },
    { title: 'empty', value: () => '' },
  ])
  assert.equal(table, 'name             n  empty\na                1\ngrößer als 😀  1000')
  assert.equal(
    formatTable([], [{ title: 'name', value: () => '' }], (text) => `<${text}>`),
    '<name>',
  )
})

test('pairs that are null are left out', () => {
  assert.equal(
    formatPairs([
      ['a', '1'],
      ['much longer', '2'],
      ['none', null],
      ['empty', ''],
    ]),
    'a            1\nmuch longer  2\nempty',
  )
  assert.equal(formatPairs([]), '')
})
