import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkedVersion, checkName } from './naming.ts'

test('names are snake_case', () => {
  for (const name of ['a', 'user', 'user_spend_sum_30d', 'constructor', 'a1_2', 'x'.repeat(63)]) checkName(name, 'feature')
  for (const name of ['', 'User', '1st', '_a', 'a_', 'a__b', 'a-b', 'a b', 'é', 'a\n', 'x'.repeat(64), undefined, 3]) {
    assert.throws(
      () => checkName(name as string, 'feature', 'feature group g'),
      {
        code: 'INVALID_DEFINITION',
        message: `${JSON.stringify(name)} is not a valid feature name (feature group g)`,
        where: 'feature group g',
        remedy: 'Names are snake_case: a letter, then letters, digits and single underscores, at most 63.',
      },
      String(name),
    )
  }
})

test('versions are whole numbers from 1, and 1 where none is named', () => {
  assert.deepEqual(
    [undefined, 1, 7].map((version) => checkedVersion(version, 'v')),
    [1, 1, 7],
  )
  for (const version of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '2' as never]) {
    assert.throws(() => checkedVersion(version, 'feature view v'), {
      code: 'INVALID_DEFINITION',
      message: `The version ${version} is not a whole number from 1 (feature view v)`,
    })
  }
})
