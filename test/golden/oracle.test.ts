import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { momentMicros } from '../../src/lib/moment.ts'
import { oracleValues } from '../../src/oracle/index.ts'
import { type Cell, fromCell, type TypeData, toCell } from '../../src/schema/index.ts'
import { aggregateCases } from './aggregates.ts'
import { expressionCases } from './expressions.ts'
import type { GoldenCase, PublicRow } from './golden-case.ts'
import { pointInTimeCases } from './point-in-time.ts'
import { ruleCases } from './rules.ts'
import { windowCases } from './windows.ts'

describe('the oracle gives the known answers', () => {
  for (const golden of [...windowCases, ...pointInTimeCases, ...ruleCases, ...aggregateCases, ...expressionCases]) {
    test(golden.name, () => {
      const answers = golden.reads.map(({ key, at }) => ({ key, at, ...oracleAnswer(golden, key, at) }))
      assert.deepEqual(answers, golden.reads)
    })
  }
})

function oracleAnswer(golden: GoldenCase, key: PublicRow, at: string) {
  const { group, rows, asKnown } = golden
  const cells = rows.map((row) => toCells(group.source.columns, row))
  const { values, status } = oracleValues(group, cells, toCells(group.entity.keys, key), momentMicros(at), { asKnown })
  return {
    values: Object.fromEntries(Object.entries(group.features).map(([name, { type }]) => [name, fromCell(type, values[name] ?? null)])),
    status,
  }
}

function toCells(types: Readonly<Record<string, TypeData>>, row: PublicRow): Record<string, Cell> {
  return Object.fromEntries(Object.entries(types).map(([column, type]) => [column, toCell(type, row[column], column)]))
}
