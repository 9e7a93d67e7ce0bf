import type { ColumnNode, ExpressionNode } from '../definition/index.ts'
import type { Cell } from '../schema/index.ts'
import { compileExpression, compileFilter, type LeafNode } from './evaluate-expression.ts'
import { cellReader, type EventBlock } from './event-block.ts'

/** The columns that row functions read: those of the block bound last. */
export class BlockColumns {
  readonly #readers = new Map<string, { read: (row: number) => Cell; readonly node: ColumnNode }>()

  bind({ columns }: EventBlock): void {
    for (const [name, reader] of this.#readers) {
      const column = columns.get(name)
      if (!column) throw new TypeError(`the block lacks ${name}`)
      reader.read = cellReader(reader.node.type, column)
    }
  }

  value(node: ExpressionNode): (row: number) => Cell {
    return compileExpression(node, (leaf) => this.#leaf(leaf))
  }

  filter(node: ExpressionNode): (row: number) => boolean {
    return compileFilter(node, (leaf) => this.#leaf(leaf))
  }

  #leaf(leaf: LeafNode): (row: number) => Cell {
    if (leaf.node !== 'column') throw new TypeError(`${leaf.node} inside an aggregate`)
    const reader = this.#readers.get(leaf.name) ?? { read: () => null, node: leaf }
    this.#readers.set(leaf.name, reader)
    return (row) => reader.read(row)
  }
}
