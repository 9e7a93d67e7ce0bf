import type { CellColumn, FeaturePlan } from '../plan/index.ts'
import { ColumnBuilder } from './column-builder.ts'

/** The values of a group's features, a column a feature, a row a moment. */
export class ValueColumns {
  readonly #builders: readonly ColumnBuilder[]

  constructor(features: readonly FeaturePlan[], count: number) {
    this.#builders = features.map(({ type }) => new ColumnBuilder(type, count))
  }

  set(feature: number, row: number, cell: Parameters<ColumnBuilder['set']>[1]): void {
    ;(this.#builders[feature] as ColumnBuilder).set(row, cell)
  }

  columns(): readonly CellColumn[] {
    return this.#builders.map((builder) => builder.column())
  }
}
